import { projectStream } from '../../ledger/streams.ts';
import type { Identity } from '../../security/identity.ts';
import type { RecordedEvent } from '../../store/store.ts';
import type { Views } from '../../views/views.ts';
import { isPresentAt } from '../auth/grant.ts';
import type { FeedRequest } from './feed-request.ts';

/**
 * The same feed with the events of an identity's projects only, each in the life of the project
 * that the identity was made for. The stream itself tells where a life begins; where a feed begins
 * within one, the views know which it is.
 */
export function withinProjects(
  request: FeedRequest,
  { projects }: Pick<Identity, 'projects'>,
  views: Pick<Views, 'getAt'>,
): FeedRequest {
  const byStream = new Map(projects.map((project) => [projectStream(project.name), project]));
  const isOwn = new Map<string, boolean>();
  const belongs = ({ stream, type, data, position }: RecordedEvent): boolean => {
    const project = byStream.get(stream);
    if (project === undefined) return false;
    if (type === 'AddressSpaceOpened') {
      isOwn.set(stream, (data as { generation?: string }).generation === project.uid);
    } else if (!isOwn.has(stream)) {
      isOwn.set(stream, isPresentAt(project, position, views));
    }
    return isOwn.get(stream) === true;
  };
  const [first, ...others] = byStream.keys();
  return {
    ...request,
    stream: request.stream ?? (others.length === 0 ? first : undefined),
    matches: (event) => belongs(event) && request.matches(event),
  };
}
