/** Of a group that has thousands: a person asks, in one turn of the loop. */
const MOST_ASKED_SERVICES = 256;
/** A screen full. A service may have a sentence for each of ten thousand destinations. */
const MOST_SENTENCES = 20;

/**
 * What the kernel says against the services of a virtual server: the first sentences, and how many there are besides.
 * @param troublesOf of one service
 */
export function kernelSentences<T>(
  services: Iterable<T>,
  troublesOf: (service: T) => readonly string[],
): readonly string[] {
  const sentences: string[] = [];
  let [total, asked, isWhole] = [0, 0, true];
  for (const service of services) {
    if (asked === MOST_ASKED_SERVICES) {
      isWhole = false;
      break;
    }
    asked += 1;
    const troubles = troublesOf(service);
    total += troubles.length;
    sentences.push(...troubles.slice(0, MOST_SENTENCES - sentences.length));
  }
  const [more, atLeast] = [total - sentences.length, isWhole ? "" : "at least "];
  if (more > 0) sentences.push(`and ${atLeast}${more} more sentences like these: the log has them`);
  if (!isWhole) sentences.push(`(only the first ${asked} of its services have been asked)`);
  return sentences;
}
