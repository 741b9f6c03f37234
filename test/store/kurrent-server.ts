import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';

const IMAGE = 'docker.kurrent.io/kurrent-lts/kurrentdb:26.0.3';
const SETTINGS = ['--insecure', '--mem-db', '--run-projections=None', '--stats-period-sec=3600'];
const PORT = 2113;

/**
 * A KurrentDB for tests: the one that `KURRENTDB_URL` names, else a container of its own where
 * Docker answers. Without either it is said once, loudly, and the tests are skipped.
 */
export async function kurrentUrl(): Promise<string | undefined> {
  const given = process.env.KURRENTDB_URL;
  if (given !== undefined) return given;
  try {
    await getContainerRuntimeClient();
  } catch {
    process.stderr.write(
      '\nNOT TESTED: KurrentDB. Neither KURRENTDB_URL is set, nor does Docker answer.\n\n',
    );
    return undefined;
  }
  // It goes with this process: testcontainers watches over that.
  const container = await new GenericContainer(IMAGE)
    .withCommand(SETTINGS)
    .withEnvironment({ KURRENTDB_TELEMETRY_OPTOUT: 'true' })
    .withExposedPorts(PORT)
    .withWaitStrategy(
      Wait.forHttp('/health/live', PORT).forStatusCodeMatching((code) => code < 300),
    )
    .start();
  return `esdb://${container.getHost()}:${container.getMappedPort(PORT)}?tls=false`;
}
