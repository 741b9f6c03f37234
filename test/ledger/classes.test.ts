import { describe, it } from 'vitest';
import { type IPClassSpec, ipClassSpec } from '../../src/ledger/ip-class.ts';
import { DEFAULT_CLASS_ANNOTATION } from '../../src/ledger/names.ts';
import { given } from './given-when-then.ts';

const spec = (fields: Partial<IPClassSpec> = {}): IPClassSpec =>
  ipClassSpec.parse({ ipFamily: 'IPv4', ...fields });
const isDefault = { annotations: { [DEFAULT_CLASS_ANNOTATION]: 'true' } };

function create(name: string, fields: Partial<IPClassSpec> = {}, metadata: object = {}) {
  return { type: 'CreateClass', name, spec: spec(fields), metadata } as const;
}

function update(name: string, fields: Partial<IPClassSpec> = {}, metadata: object = {}) {
  return { type: 'UpdateClass', name, spec: spec(fields), metadata, expect: {} } as const;
}

const remove = (name: string, standing = 0) =>
  ({ type: 'DeleteClass', name, expect: {}, standing }) as const;

/** A class whose parent is the one before it, `levels` times. */
function chain(levels: number) {
  return Array.from({ length: levels }, (_, n) => {
    const parent = n === 0 ? {} : { parentClassName: `level-${n - 1}` };
    return create(`level-${n}`, { ...parent, defaultPrefixLength: 8 + n });
  });
}

describe('an IPClass', () => {
  it('is created once, and says whether it is a default', () => {
    const { when } = given(create('edge'));
    when(create('other')).then(['IPClassCreated', { name: 'other', isDefault: false }]);
    when(create('edge')).thenRejected('AlreadyExists');
  });

  it('keeps its family, parent, levels and range', () => {
    const { when } = given(create('edge', { defaultPrefixLength: 32 }));
    when(update('edge', { ipFamily: 'IPv6' })).thenRejected('Invalid', 'spec.ipFamily');
    const child = { parentClassName: 'tenant-subnet-ipv4', defaultPrefixLength: 32 };
    when(update('edge', child)).thenRejected('Invalid', 'spec.parentClassName: field is immutable');
    when(update('edge', { defaultPrefixLength: 31, quarantine: '1h' })).then([
      'IPClassUpdated',
      { spec: { defaultPrefixLength: 31, quarantine: '1h' } },
    ]);
  });

  it('stands in a chain of eight at most', () => {
    const { when } = given(...chain(8));
    const ninth = { parentClassName: 'level-7', defaultPrefixLength: 32 };
    when(create('level-8', ninth)).thenRejected('Invalid', 'more than 8 classes');
  });

  it('is never its own ancestor', () => {
    given()
      .when(create('own', { parentClassName: 'own' }))
      .thenRejected('Invalid', 'is a cycle');
  });

  it('changes only so that the classes below it still follow', () => {
    const { when } = given(...chain(2));
    when(update('level-0', { defaultPrefixLength: 9 })).thenRejected(
      'Invalid',
      'IPClass "level-1": /9 must be longer than the /9',
    );
    when(update('level-0', { defaultPrefixLength: 7 })).then('IPClassUpdated');
  });

  it('is the second default of its family for nobody, whoever comes first', () => {
    const endpoint = { parentClassName: 'tenant-subnet-ipv4', defaultPrefixLength: 32 };
    const { when } = given();
    const mark = { type: 'ChangeMetadata', kind: 'IPClass', expect: {} } as const;
    when(create('second', endpoint, isDefault)).thenRejected('Invalid', 'is the default class');
    when({ ...mark, name: 'tenant-endpoint-ipv4', metadata: {} }).then([
      'IPClassUpdated',
      { isDefault: false },
    ]);
    when(create('second', endpoint, isDefault)).then(['IPClassCreated', { isDefault: true }]);
    when({ ...mark, name: 'tenant-endpoint-ipv4', metadata: isDefault }).thenRejected('Invalid');
    const labels = { ...isDefault, labels: { a: 'b' } };
    when({ ...mark, name: 'second', metadata: labels }).then('ObjectMetadataChanged');
  });

  it('is no default without the chain that claims follow', () => {
    const { when } = given();
    const alone = create('alone', { defaultPrefixLength: 32 }, isDefault);
    when(alone).thenRejected('Invalid');
    const fields = { ...spec(), parentClassName: 'tenant-network-ipv4', defaultPrefixLength: 20 };
    const levels: IPClassSpec['poolPer'] = ['project', 'network', 'location'];
    when(update('tenant-subnet-ipv4', { ...fields, poolPer: levels })).thenRejected(
      'Invalid',
      'must withhold their first two addresses',
    );
  });

  it('InUse: is deleted when no class, no pool and no block names it', () => {
    const { when } = given(...chain(2));
    when(remove('level-0')).thenRejected('InUse', '1 classes, 0 authored pools, and 0 blocks');
    when(remove('tenant-ipv6')).thenRejected('InUse', '1 classes, 1 authored pools');
    when(remove('level-1', 3)).thenRejected('InUse', 'and 3 blocks');
    when(remove('level-1')).then('IPClassDeleted');
    when(remove('level-0')).then('IPClassDeleted');
    when(remove('level-0')).thenRejected('NotFound');
  });
});
