import Fastify from 'fastify';
import { claimsFor } from '../../src/http/kube/kinds/claims.ts';

// The baseline of claims over HTTP: parses and checks the same body with the same schema, and
// answers with an object of the same size. It decides, keeps and syncs nothing.

const { bodySchema } = claimsFor(undefined);
const answer: unknown = JSON.parse(process.argv[2] ?? '{}');
const app = Fastify();
app.post('/*', (request, reply) => {
  const read = bodySchema.safeParse(request.body);
  if (!read.success) return reply.code(422).send(read.error.message);
  return reply.code(201).header('content-type', 'application/json').send(JSON.stringify(answer));
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`listening on ${url}\n`);
process.on('SIGINT', () => app.close());
