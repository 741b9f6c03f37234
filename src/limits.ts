/** Every bound of the program, its unit in its name; the relations are asserted at the end. */
export const limits = {
  /** Largest request body. kube-apiserver takes 3 MiB. */
  bodyBytesMax: 3 * 1024 * 1024,
  /** Longest path parameter; object names may have 253 characters. */
  pathParameterCharsMax: 1024,
  /** Objects in one page of a list, and the page when the client names none. */
  pageObjectsMax: 5_000,
  /** Bytes of one object's labels, annotations and managed fields together, as upstream. */
  objectMetadataBytesMax: 256 * 1024,
  finalizersPerObjectMax: 64,
  ownerReferencesPerObjectMax: 64,
  idempotencyKeyCharsMax: 255,

  /** Bytes of one append over all its events; KurrentDB refuses more than 1 MiB. */
  appendBytesMax: 512 * 1024,
  appendEventsMax: 4_096,
  /** Appends waiting for the store over all streams. */
  storeQueueAppendsMax: 16_384,
  /** Commands waiting in one mailbox; one more is answered 503. */
  mailboxCommandsMax: 4_096,
  /** Commands decided for one append. */
  mailboxBatchCommandsMax: 1_024,
  /** Attempts to append after conflicts, and after unknown outcomes. */
  appendAttemptsMax: 8,
  appendRetryDelayMsMin: 10,
  appendRetryDelayMsMax: 1_000,
  /** Cross-stream steps one command may need before it is refused as unavailable. */
  grantAttemptsMax: 8,
  /** Objects ended by one append of a deletion that goes on in steps. */
  deletionObjectsPerAppendMax: 64,

  /** Events applied to the views in one transaction. */
  viewBatchEventsMax: 4_096,
  readPageEventsMax: 1_000,
  /** How long an answer waits for the views to reach its position. */
  viewWaitMsMax: 10_000,

  classChainDepthMax: 8,
  /** How far the clock may be behind the log's last instant at start. */
  clockBehindMsMax: 60_000,
  shutdownMsMax: 10_000,
} as const;

function assertLimit(holds: boolean, relation: string): void {
  if (!holds) throw new Error(`limits.ts: ${relation} does not hold`);
}

assertLimit(limits.appendBytesMax <= 1024 * 1024, 'an append fits every engine');
assertLimit(
  limits.mailboxBatchCommandsMax <= limits.mailboxCommandsMax,
  'a batch is no larger than its mailbox',
);
assertLimit(
  limits.deletionObjectsPerAppendMax * 8 <= limits.appendEventsMax,
  'a step of a deletion fits one append',
);
assertLimit(
  limits.appendRetryDelayMsMin <= limits.appendRetryDelayMsMax,
  'retry delays are a range',
);
