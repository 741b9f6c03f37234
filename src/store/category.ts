/** The category of a stream: its name before the first "-". */
function categoryOf(stream: string): string {
  const end = stream.indexOf('-');
  return end === -1 ? stream : stream.slice(0, end);
}

/** Whether a stream is one of the categories; every stream is, where none are named. */
export function isOfCategories(stream: string, categories?: readonly string[]): boolean {
  return categories === undefined || categories.includes(categoryOf(stream));
}
