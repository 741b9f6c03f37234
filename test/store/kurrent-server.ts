import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const IMAGE = 'docker.kurrent.io/kurrent-lts/kurrentdb:26.0.3';
const SETTINGS = ['--insecure', '--mem-db', '--run-projections=None', '--stats-period-sec=3600'];

/**
 * A KurrentDB for tests: the one that `KURRENTDB_URL` names, else a container of its own where
 * Docker answers. Without either it is said once, loudly, and the tests are skipped.
 */
export async function kurrentUrl(): Promise<string | undefined> {
  const given = process.env.KURRENTDB_URL;
  if (given !== undefined) return given;
  try {
    // A client without a daemon may wait for it for long.
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 5_000 });
  } catch {
    process.stderr.write(
      '\nNOT TESTED: KurrentDB. Neither KURRENTDB_URL is set, nor does Docker answer.\n\n',
    );
    return undefined;
  }
  return startContainer();
}

async function startContainer(): Promise<string> {
  const publish = ['--publish', '127.0.0.1::2113', '--env', 'KURRENTDB_TELEMETRY_OPTOUT=true'];
  const started = await run('docker', ['run', '--detach', '--rm', ...publish, IMAGE, ...SETTINGS], {
    timeout: 300_000,
  });
  const container = started.stdout.trim();
  process.once('exit', () => execFileSync('docker', ['kill', container], { timeout: 10_000 }));
  const { stdout } = await run('docker', ['port', container, '2113/tcp'], { timeout: 5_000 });
  const address = stdout.split('\n')[0]?.trim();
  for (let attempt = 0; attempt < 120; attempt += 1) {
    const answer = await fetch(`http://${address}/health/live`).catch(() => undefined);
    if (answer?.ok) return `esdb://${address}?tls=false`;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`the container ${container} of ${IMAGE} did not become healthy in a minute`);
}
