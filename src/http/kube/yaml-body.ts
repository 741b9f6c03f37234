import { isUtf8 } from 'node:buffer';
import { parseDocument } from 'yaml';
import { limits } from '../../limits.ts';
import { isObject, type OnRepeated, readJsonObject, refuseUnsafe } from '../json-body.ts';
import { badRequest, StatusError } from '../status.ts';

/**
 * Reads a body in YAML as an object. Most clients send JSON, which is YAML too and is read as what
 * it is. Of YAML itself only what JSON has is taken: no tags, no aliases, no key twice.
 */
export function readYamlObject(body: Buffer, onRepeated: OnRepeated): Record<string, unknown> {
  if (isJson(body)) return readJsonObject(body, onRepeated);
  if (body.length > limits.yamlBodyBytesMax) {
    const message = `a body in YAML may have no more than ${limits.yamlBodyBytesMax} bytes: send JSON`;
    throw new StatusError('RequestEntityTooLarge', message);
  }
  if (!isUtf8(body)) throw badRequest('the body is not valid UTF-8');
  const value = parse(body.toString('utf8'));
  refuseUnsafe(value, 0);
  if (isObject(value)) return value;
  throw badRequest('the body must be an object in YAML or JSON');
}

/** Whether the first thing in a text is a brace. */
function isJson(body: Buffer): boolean {
  return /^\s*\{/.test(body.toString('latin1', 0, 1024)) && isParsable(body);
}

/** A mapping in YAML may begin with a brace, too. */
function isParsable(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

function parse(text: string): unknown {
  try {
    const document = parseDocument(text, { schema: 'core', uniqueKeys: true, stringKeys: true });
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw badRequest(`error decoding YAML: ${(error as Error).message}`);
  }
}
