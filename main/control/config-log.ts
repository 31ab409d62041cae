import type { Log } from "../observe/log.js";
import { type DumpSources, dataTexts } from "./dumps.js";

/** Lines that the log takes at once; a configuration may have a hundred thousand, and what does not fit would be dropped. */
const AT_ONCE = 500;

/** --dump-conf: what SIGUSR1 writes into files goes into the log, as fast as the log is written. */
export async function logConfiguration(
  sources: DumpSources,
  log: { readonly say: Log; readonly flush: () => Promise<void> },
): Promise<void> {
  let said = 0;
  for (const text of dataTexts(sources)) {
    let rest = "";
    for (const piece of await text()) {
      const lines = (rest + piece).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") continue;
        log.say("info", "config.dump", line);
        said += 1;
        if (said % AT_ONCE === 0) await log.flush();
      }
    }
  }
}
