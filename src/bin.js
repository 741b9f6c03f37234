#!/usr/bin/env node
// The launcher: plain JavaScript, so that any Node can run it. It re-executes itself with the
// Node that the project pins when it is run under another, and loads the compiled program where
// there is one (an installed package), else the sources (a clone).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const NODE_MAJOR = 26;

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
  const compiled = join(here, '..', 'dist', 'src', 'main.js');
  const main = existsSync(compiled) ? compiled : join(here, 'main.ts');
  const { run } = await import(main);
  await run(process.argv.slice(2));
} else {
  runUnderPinnedNode();
}

function runUnderPinnedNode() {
  const require = createRequire(import.meta.url);
  let node;
  try {
    node = join(dirname(require.resolve('node/package.json')), 'bin', 'node');
  } catch {
    node = undefined;
  }
  if (node === undefined || !existsSync(node)) {
    console.error(
      `netalloc needs Node ${NODE_MAJOR} or newer; this is ${process.version} and the pinned ` +
        'one is not installed. Run "npm ci" first.',
    );
    process.exitCode = 1;
    return;
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128);
  });
}
