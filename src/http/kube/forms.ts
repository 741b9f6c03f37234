import type { FastifyRequest } from 'fastify';
import type { KubeObject } from '../../views/views.ts';
import { chosenForm, PLAIN } from '../media-types.ts';
import { queryValue } from '../query.ts';
import { badRequest, shown } from '../status.ts';
import type { Kind } from './kind.ts';

/** The metadata of a list, or of a table. */
interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An object with its JSON, where that is at hand. */
interface Shown {
  readonly object: KubeObject;
  readonly text?: string | undefined;
}

/** How an answer represents objects: whole, by their metadata alone, or as the rows of a table. */
export interface Form {
  /** The same for all that represent an object of a kind in the same way. */
  readonly key: string;
  /** An object on its own. */
  one(shown: Shown): string;
  /** An object in a list. */
  item(shown: Shown): string;
  /** A list up to its first object. */
  listHead(metadata: ListMetadata): string;
  /** What stands for no object, and tells how far a watch has come. */
  mark(metadata: ListMetadata): string;
}

/** What every list ends with. */
export const LIST_TAIL = ']}';

const META = { apiVersion: 'meta.k8s.io/v1' } as const;
const TABLE = 'meta.k8s.io/v1/Table';
const METADATA = 'meta.k8s.io/v1/PartialObjectMetadata';
const METADATA_LIST = 'meta.k8s.io/v1/PartialObjectMetadataList';

/**
 * Reads which form a client likes best.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export function readForm(
  kind: Kind,
  verb: 'get' | 'list' | 'watch',
  http: FastifyRequest,
  nowMs: () => number,
): Form {
  const metadata = verb === 'list' ? METADATA_LIST : METADATA;
  const chosen = chosenForm(http.headers.accept, [PLAIN, TABLE, metadata]);
  if (chosen === PLAIN) return wholeObjects(kind);
  return chosen === TABLE ? rows(kind, readIncluded(http), nowMs) : metadataAlone();
}

function wholeObjects({ kind, apiVersion }: Kind): Form {
  return {
    key: 'whole',
    one: textOf,
    item: textOf,
    listHead: (metadata) => listHead({ kind: `${kind}List`, apiVersion, metadata }, 'items'),
    mark: (metadata) => JSON.stringify({ kind, apiVersion, metadata }),
  };
}

function metadataAlone(): Form {
  const kind = 'PartialObjectMetadata';
  const one = ({ object }: Shown) => JSON.stringify(metadataOf(object));
  return {
    key: 'metadata',
    one,
    item: one,
    listHead: (metadata) => listHead({ kind: `${kind}List`, ...META, metadata }, 'items'),
    mark: (metadata) => JSON.stringify({ kind, ...META, metadata }),
  };
}

/** What a row holds of its object beside the cells. */
const INCLUDED = ['None', 'Metadata', 'Object'] as const;
type Included = (typeof INCLUDED)[number];

function readIncluded(http: FastifyRequest): Included {
  const text = queryValue(http, 'includeObject') || 'Metadata';
  const included = INCLUDED.find((one) => one === text);
  if (included !== undefined) return included;
  throw badRequest(`unrecognized includeObject value: "${shown(text)}"`);
}

/** In a watch every event is a table of one row, with its columns: it means something alone. */
function rows({ columns }: Kind, included: Included, nowMs: () => number): Form {
  const columnDefinitions = columns.map(({ name, type, description, isWide }) => {
    const format = name === 'Name' ? 'name' : '';
    return { name, type, format, description, priority: isWide ? 1 : 0 };
  });
  const head = (metadata: ListMetadata) =>
    listHead({ kind: 'Table', ...META, metadata, columnDefinitions }, 'rows');
  const row = (shown: Shown) => {
    const { object } = shown;
    const cells = columns.map(({ cell }) => cell(object, nowMs()));
    if (included !== 'Object') {
      const part = included === 'None' ? null : metadataOf(object);
      return JSON.stringify({ cells, object: part });
    }
    return `{"cells":${JSON.stringify(cells)},"object":${textOf(shown)}}`;
  };
  return {
    key: `rows with ${included}`,
    one: (shown) => {
      const { resourceVersion } = shown.object.metadata;
      return head({ resourceVersion }) + row(shown) + LIST_TAIL;
    },
    item: row,
    listHead: head,
    mark: (metadata) => head(metadata) + LIST_TAIL,
  };
}

function listHead(list: object, items: string): string {
  return `${JSON.stringify(list).slice(0, -1)},"${items}":[`;
}

function textOf({ object, text }: Shown): string {
  return text ?? JSON.stringify(object);
}

function metadataOf({ metadata }: KubeObject) {
  return { kind: 'PartialObjectMetadata', ...META, metadata };
}
