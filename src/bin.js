#!/usr/bin/env node
// The launcher: plain JavaScript, so that any Node can run it. It re-executes itself with the
// Node that the project pins when it is run under another, and loads the sources where there are
// any (a clone), else the compiled program (an installed package).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const NODE_MAJOR = 26;

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
  const source = join(here, 'main.ts');
  const main = existsSync(source) ? source : join(here, '..', 'dist', 'src', 'main.js');
  const { run } = await import(main);
  const { version } = createRequire(import.meta.url)('../package.json');
  await run(process.argv.slice(2), version);
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
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
