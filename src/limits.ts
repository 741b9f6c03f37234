/** Every bound of the program, its unit in its name; the relations are asserted at the end. */
export const limits = {
  /** Largest request body. kube-apiserver takes 3 MiB. */
  bodyBytesMax: 3 * 1024 * 1024,
  /** Operations of one JSON patch, as upstream. */
  jsonPatchOperationsMax: 10_000,
  /** Bytes of all bodies that are read or in work, of one subject and of all; */
  bodiesBytesPerSubjectMax: 64 * 1024 * 1024,
  bodiesBytesMax: 256 * 1024 * 1024,
  /** those up to which a body does not count. */
  smallBodyBytesMax: 16 * 1024,
  /** A body in YAML, which takes many times as long to read as one in JSON. */
  yamlBodyBytesMax: 256 * 1024,
  /** Objects within objects in a body; the deepest field of a known kind is about ten deep. */
  bodyDepthMax: 64,
  /** Connections at one time, and how long the handshake of one may take. */
  connectionsMax: 16_384,
  tlsHandshakeMsMax: 10_000,
  /** How often it is said at most that there are more. */
  dropsToldMs: 60_000,
  /** Bytes of a request's head: paths and queries, with their selectors, and headers. */
  requestHeadBytesMax: 32 * 1024,
  requestHeadersMax: 1_000,
  /** How long a client may take to send one request, and the head of it, */
  requestMsMax: 60_000,
  requestHeadMsMax: 20_000,
  /** and how often it is looked who has taken longer. */
  requestCheckMs: 5_000,
  /** How long nothing may move on a connection while a request or its answer is on its way. */
  connectionStillMsMax: 120_000,
  /** Requests of one subject: how many a second, and how many at once after a pause. */
  subjectRequestsPerSecondMax: 5_000,
  subjectRequestsBurstMax: 20_000,
  /** and how many in work at a time: the others wait for these at most. */
  subjectRequestsAtOnceMax: 1_024,
  /** Tokens in a file, and the projects or locations of one. */
  tokensMax: 10_000,
  tokenScopesMax: 1_000,
  /** How long one who writes it waits for another, and how often it is tried meanwhile. */
  tokensFileWaitMsMax: 5_000,
  tokensFileRetryMs: 20,
  /** How long certificates of our own last, and how far before now they begin. */
  caCertificateMs: 10 * 365 * 86_400_000,
  serverCertificateMs: 90 * 86_400_000,
  certificateBackdatedMs: 3_600_000,
  /** From how long before its end on an authority or a server's certificate is warned of, */
  authorityEndWarnedMs: 180 * 86_400_000,
  serverCertificateEndWarnedMs: 14 * 86_400_000,
  /** and how often. */
  certificateEndToldMs: 86_400_000,
  /** Names and addresses in one, beside those of the machine. */
  certificateNamesMax: 64,
  /** How long it takes until one that could not be renewed is tried again. */
  certificateRetryMs: 3_600_000,
  /** How often it is looked whether tokens or certificates are others than before. */
  securityPollMs: 250,
  /** How long a command waits for the answer of a server. */
  clientRequestMsMax: 30_000,
  /** Idle connections are kept longer than those of Go's clients, 90 s. */
  keepAliveMs: 120_000,
  /** How long the store may take to answer who asks whether the ledger is ready. */
  readyStoreMsMax: 2_000,
  /** How often one and the same warning is logged. */
  repeatedWarningMs: 10_000,
  /** Longest path parameter; object names may have 253 characters. */
  pathParameterCharsMax: 1024,
  /** Objects in one page of a list, and the page when the client names none. */
  pageObjectsMax: 5_000,
  /** Terms of one selector, each of which is looked at for every object. */
  selectorTermsMax: 128,
  /** Bytes of one object's labels, annotations and managed fields together, as upstream. */
  objectMetadataBytesMax: 256 * 1024,
  finalizersPerObjectMax: 64,
  /** Who has updated an object and is told apart from the others; the name of one, as upstream. */
  updateManagersPerObjectMax: 10,
  fieldManagerBytesMax: 128,
  ownerReferencesPerObjectMax: 64,
  idempotencyKeyCharsMax: 255,
  /** Bytes of one field that holds a free object or map, as JSON. */
  freeObjectBytesMax: 32 * 1024,
  conditionMessageCharsMax: 32_768,
  /** Field errors named in one answer, and how much of a wrong value is shown. */
  statusCausesMax: 64,
  shownValueCharsMax: 200,
  warningsPerAnswerMax: 16,
  /** Attempts of a write that names no resourceVersion while others change the object. */
  unconditionalWriteAttemptsMax: 16,

  /**
   * Items of one batch of claims, the size of its body, and how many are decided at a time: more
   * than are still in the processor's cache, and young to the garbage collector, cost more each.
   */
  batchItemsMax: 5_000,
  batchBodyBytesMax: 16 * 1024 * 1024,
  batchItemsInFlightMax: 128,

  /** Followers of the event feed at one time, and bytes written to one before it is waited for. */
  feedFollowersMax: 1_000,
  feedFollowersPerSubjectMax: 100,
  feedChunkBytesMax: 64 * 1024,
  /** How often a follower is sent something that means nothing. */
  feedHeartbeatMs: 15_000,
  /** How long a follower may leave unread what it has been sent. */
  feedStallMsMax: 60_000,

  /** Bytes of one append over all its events; KurrentDB refuses more than 1 MiB. */
  appendBytesMax: 512 * 1024,
  appendEventsMax: 4_096,
  /** Appends waiting for the store over all streams. */
  storeQueueAppendsMax: 16_384,
  storeQueueBytesMax: 64 * 1024 * 1024,
  /** Appends committed by one transaction of the embedded store; it holds up the event loop. */
  storeCommitAppendsMax: 1_024,
  streamNameCharsMax: 512,
  /** Streams whose last revision the embedded store knows without a look-up. */
  storeStreamHeadsMax: 100_000,
  /** The newest events, kept in memory for subscribers at the head. */
  storeRecentEventsMax: 8_192,
  storeRecentBytesMax: 16 * 1024 * 1024,
  /** Newest frames that are checked when the embedded store is opened, */
  storeOpenFramesChecked: 64,
  /** and up to which size the whole file is. */
  storeOpenFileBytesChecked: 128 * 1024 * 1024,
  /** How long SQLite waits for a lock that another process has. */
  storeBusyMsMax: 1_000,
  /** Pages in the write-ahead log after which a thread moves them into the file, */
  storeWalPagesMoved: 1_000,
  /** and after which a commit does it, because the thread has not. */
  storeWalPagesMax: 4_000,
  /** How long there is no commit before they are moved whatever their number. */
  storeIdleMs: 1_000,
  /** How often a reader in another process looks for new events. */
  storeReaderPollMs: 200,
  /** Calls to KurrentDB under way at once; beyond a hundred, one connection hangs. */
  kurrentCallsAtOnceMax: 64,
  /** How long KurrentDB may leave a call without a sign, */
  kurrentSilenceMsMax: 10_000,
  /** and one of its nodes the question who leads, in whole seconds. */
  kurrentGossipSecondsMax: 2,
  /** How long start waits for it, */
  kurrentOpenMsMax: 60_000,
  /** how often that is told meanwhile, */
  kurrentOpenTellMs: 10_000,
  /** and closing for its last answers. */
  kurrentCloseMsMax: 3_000,
  /** Calls made again because another node leads. */
  kurrentLeaderAttemptsMax: 3,
  /** How long a subscription waits before it is opened again, growing with each failure. */
  kurrentRetryMs: 50,
  kurrentRetryMsMax: 1_000,
  /** Events read ahead of whoever takes them. */
  kurrentBufferedEventsMax: 512,
  /** Newest events of the whole cluster among which the last one of this log is looked for, */
  kurrentHeadEventsMin: 16,
  /** and among which it is, when it is not there: commands and replies of claims come between. */
  kurrentHeadEventsMax: 1_000,
  /** Messages of a stream of another program that are handled together. */
  messagesPerBatchMax: 64,
  /** Streams of claim commands that are followed, each with a call that stays open, */
  claimSourcesMax: 16,
  /** and projects that one of them may have commands for. */
  claimSourceProjectsMax: 1_000,
  /** How long a ledger stands by at least when another one was faster with a reply. */
  intakeStandbyMs: 500,
  /** How long it waits with a command that cannot be decided now, growing with each failure. */
  intakeRetryMsMin: 50,
  intakeRetryMsMax: 5_000,
  /** How often a command is tried that a fault of the program keeps from being decided. */
  intakeFaultsMax: 5,
  /** Characters of a refusal's text that go into a reply. */
  replyMessageCharsMax: 4_096,
  /** Commands waiting in one mailbox; one more is answered 503. */
  mailboxCommandsMax: 4_096,
  /** Commands decided for one append. */
  mailboxBatchCommandsMax: 1_024,
  /** Projects held in memory, and objects in all of them: of each some 500 bytes. */
  residentMailboxesMax: 10_000,
  residentObjectsMax: 2_500_000,
  /** How often it is looked whether there are more. */
  evictionMs: 1_000,
  /** How long snapshots are written when the process ends. */
  snapshotsAtCloseMsMax: 3_000,
  /** How long their file is waited for then, before what is not finished is given up. */
  snapshotFileCloseMsMax: 1_000,
  /** Entries of a large map in one part of a snapshot, which takes a few milliseconds to write. */
  snapshotPartEntriesMax: 1_000,
  /** Snapshots waiting to be written; one more is not taken, which costs time later. */
  snapshotsWaitingMax: 8,
  /** Parts of a snapshot that is replaced which are deleted at a time. */
  snapshotPartsDeletedMax: 16,
  /** Events after its last snapshot that make a state worth another one when it leaves memory, */
  snapshotEventsMin: 2_000,
  /** and while it is in use; */
  snapshotEventsMax: 200_000,
  /** but at least one for so many objects in the state, when it leaves and while it is in use. */
  snapshotObjectsPerEventMax: 16,
  snapshotObjectsPerEventMin: 1,
  /** Attempts to append after conflicts, and after unknown outcomes. */
  appendAttemptsMax: 8,
  /** How long an append is still sent again that has an unknown outcome. */
  appendRetriesMsMax: 15_000,
  conflictAttemptsMax: 64,
  /** Appends after a conflict during which a mailbox lets other processes by, */
  sharedStreamAppends: 64,
  /** each time for so many times as long as its append took, and at most so long. */
  sharedStreamPauseRatio: 0.5,
  sharedStreamPauseMsMax: 250,
  appendRetryDelayMsMin: 10,
  appendRetryDelayMsMax: 1_000,
  /** How long a step of the ledger's own waits after it failed, growing with each failure. */
  ownRetryDelayMsMin: 20,
  ownRetryDelayMsMax: 5_000,
  /** Steps between streams that are under way at once. */
  stepsAtOnceMax: 8,
  /** Cross-stream steps one command may need before it is refused as unavailable. */
  grantAttemptsMax: 8,
  /** How often what another process, or a failed attempt, has left unfinished is looked for. */
  unfinishedLookMs: 30_000,
  /** Events of another process in one project between two looks that are looked at one by one. */
  followedEventsMax: 256,
  /** Deletions under way at once for one request that deletes many objects. */
  deletionsAtOnceMax: 64,
  /** Objects ended by one append of a deletion that goes on in steps. */
  deletionObjectsPerAppendMax: 64,

  /** Waiting claims bound or queued anew by one append. */
  waitersServedPerAppendMax: 256,
  /** Interfaces told by one append that the MTU of their network has changed. */
  interfaceUpdatesPerAppendMax: 256,
  /** Events after which what else is due of retained objects has to wait for the next append. */
  retentionEventsPerAppendMax: 256,

  /** Events of Kubernetes that are kept, of all projects and of one, and for how long, */
  kubeEventsMax: 20_000,
  kubeEventsPerProjectMax: 1_000,
  kubeEventsMsMax: 3_600_000,
  /** and from how many positions before the last one they are made at a start. */
  kubeEventsPositionsRead: 20_000,
  /** Bytes of one that a client sends. */
  kubeEventBytesMax: 16 * 1024,

  /** Events applied to the views in one transaction. */
  viewBatchEventsMax: 4_096,
  /** How long rows gather before they are committed to the views' file, */
  viewRowsGatherMs: 1_000,
  /** how many are written in one transaction, */
  viewRowsTransactionMax: 32_768,
  /** and how many may wait for that while the views go on. */
  viewRowsBehindMax: 65_536,
  /** How long a reader of rows waits for the next ones to be written, holding up all others. */
  viewRowsWaitMsMax: 10_000,
  /** How often rows may be tried in vain meanwhile. */
  viewRowsTriesMax: 10,
  /** The last changes of each kind's objects that a watch can go on from, and their age. */
  watchWindowChangesMax: 100_000,
  watchWindowMsMax: 3_600_000,
  /** Watches at one time, and what one of them may leave unread before it is cut off. */
  watchersMax: 10_000,
  watchersPerSubjectMax: 2_000,
  watchBufferedBytesMax: 8 * 1024 * 1024,
  /** Bytes written at a time while a watch is sent what was before it. */
  watchChunkBytesMax: 256 * 1024,
  /** Objects read at a time for it, and how long a client may read nothing of them. */
  watchPageObjectsMax: 500,
  watchStuckMsMax: 60_000,
  /** Events kept as they were sent, so that one watch after another is sent the same bytes. */
  watchLinesKeptMax: 8_192,
  /** How often a watch is sent an empty line, and a bookmark if it has asked for them. */
  watchHeartbeatMs: 15_000,
  watchBookmarkMs: 60_000,
  /** How long a watch lasts that names no time, and the longest that any lasts. */
  watchMsMin: 1_800_000,
  watchMsMax: 3_600_000,
  /** How long a watch that has ended may take to be read to its end. */
  watchEndMsMax: 5_000,
  /** A line of a log's file; an event is smaller than an append. */
  transferLineBytesMax: 2 * 1024 * 1024,
  /** About so much of it is written at a time. */
  transferChunkChars: 64 * 1024,
  /** Events of one stream that are copied by one append. */
  transferAppendEventsMax: 1_000,
  /** How often people are told how far it has come, and how often it is looked whether to. */
  transferProgressMs: 2_000,
  transferProgressEvents: 64,
  /** Findings of a verification that are told one by one; the others are counted. */
  verifyFindingsMax: 100,
  readPageEventsMax: 1_000,
  readPageBytesMax: 256 * 1024,
  /** How long a read of an instant waits for its end, in case that the clock stands still. */
  instantWaitMsMax: 500,
  /** How long an answer waits for the views to reach its position. */
  viewWaitMsMax: 10_000,

  /** Longest wait of a timer; one that is due later is set again. */
  timerMsMax: 3_600_000,

  classChainDepthMax: 8,
  /** Classes, authored pools, and ranges of roots: what the platform checks stays small. */
  classesMax: 1_024,
  authoredPoolsMax: 4_096,
  rootRangesMax: 16_384,
  /** Further ranges of one pool, and blocks excluded from it, so that one append holds a change. */
  poolFurtherRangesMax: 64,
  poolExclusionsMax: 64,
  exclusionReasonCharsMax: 128,
  /** How far the clock may be behind the log's last instant at start. */
  clockBehindMsMax: 60_000,
  shutdownMsMax: 10_000,
  /** Requests that have begun may take so long of it. */
  closingRequestsMsMax: 5_000,
} as const;

function assertLimit(holds: boolean, relation: string): void {
  if (!holds) throw new Error(`limits.ts: ${relation} does not hold`);
}

assertLimit(limits.appendBytesMax <= 1024 * 1024, 'an append fits every engine');
assertLimit(limits.appendBytesMax <= limits.storeQueueBytesMax, 'an append fits the queue');
assertLimit(
  limits.transferAppendEventsMax <= limits.appendEventsMax,
  'a copied append fits an append',
);
assertLimit(2 * limits.appendBytesMax <= limits.transferLineBytesMax, 'an event fits a line');
assertLimit(
  limits.kurrentCallsAtOnceMax + limits.claimSourcesMax + 1 < 100,
  'calls and subscriptions of one connection',
);
assertLimit(
  limits.messagesPerBatchMax * 2 <= limits.mailboxCommandsMax,
  'commands of a stream leave room in a mailbox',
);
assertLimit(limits.storeWalPagesMoved < limits.storeWalPagesMax, 'the thread is the first to move');
assertLimit(
  limits.objectMetadataBytesMax + 2 * limits.freeObjectBytesMax < limits.appendBytesMax,
  'an object fits an append',
);
assertLimit(
  limits.mailboxBatchCommandsMax <= limits.mailboxCommandsMax,
  'a batch is no larger than its mailbox',
);
assertLimit(
  limits.batchItemsInFlightMax * 4 <= limits.mailboxCommandsMax,
  'some batches at once leave room in a mailbox',
);
assertLimit(
  limits.deletionObjectsPerAppendMax * 8 <= limits.appendEventsMax,
  'a step of a deletion fits one append',
);
assertLimit(
  limits.viewRowsTransactionMax <= limits.viewRowsBehindMax,
  'a whole transaction may gather before the views wait',
);
assertLimit(
  limits.deletionsAtOnceMax * 16 <= limits.mailboxCommandsMax,
  'deletions of collections leave room in a mailbox',
);
assertLimit(
  limits.kubeEventsPerProjectMax * 10 <= limits.kubeEventsMax,
  'one project does not push out what the others are told',
);
assertLimit(limits.feedHeartbeatMs < limits.feedStallMsMax, 'a follower is sent what it can read');
assertLimit(limits.watchHeartbeatMs < limits.watchBookmarkMs, 'a quiet watch is seen to be alive');
assertLimit(
  Math.max(limits.watchHeartbeatMs, limits.feedHeartbeatMs) < limits.connectionStillMsMax,
  'a quiet watch or feed moves its connection',
);
assertLimit(
  limits.watchersMax + limits.feedFollowersMax < limits.connectionsMax,
  'watches and followers leave connections to others',
);
assertLimit(
  limits.batchBodyBytesMax <= limits.bodiesBytesPerSubjectMax &&
    limits.bodiesBytesPerSubjectMax <= limits.bodiesBytesMax,
  'the largest body is taken, and one subject does not take all room',
);
assertLimit(
  limits.connectionsMax * limits.smallBodyBytesMax <= limits.bodiesBytesMax,
  'small bodies take no more room than large ones',
);
assertLimit(
  2 * limits.serverCertificateEndWarnedMs < limits.serverCertificateMs,
  'a certificate of our own is renewed before it is warned of',
);
assertLimit(
  limits.subjectRequestsAtOnceMax * 4 <= limits.mailboxCommandsMax,
  'one subject leaves room in a mailbox',
);
assertLimit(limits.requestHeadMsMax <= limits.requestMsMax, 'a head is a part of its request');
assertLimit(limits.watchMsMin <= limits.watchMsMax, 'a watch has a time to last');
assertLimit(limits.watchMsMax <= limits.timerMsMax, 'one timer ends a watch');
assertLimit(limits.watchChunkBytesMax <= limits.watchBufferedBytesMax, 'a chunk cuts off nobody');
assertLimit(limits.closingRequestsMsMax < limits.shutdownMsMax, 'requests end before the process');
assertLimit(
  limits.snapshotsAtCloseMsMax + limits.snapshotFileCloseMsMax + limits.closingRequestsMsMax <
    limits.shutdownMsMax,
  'snapshots leave time for a clean end',
);
assertLimit(limits.snapshotEventsMin <= limits.snapshotEventsMax, 'a snapshot is worth its events');
assertLimit(
  limits.appendRetryDelayMsMin <= limits.appendRetryDelayMsMax,
  'retry delays are a range',
);
assertLimit(
  limits.kurrentSilenceMsMax < limits.appendRetriesMsMax,
  'an append that a silent node was sent is sent to another one',
);
