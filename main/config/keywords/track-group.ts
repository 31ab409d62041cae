import { text } from "../args.js";
import type { OptionWord } from "../option-words.js";
import { type Named, named } from "./named.js";

/** `track_group NAME` of static addresses, routes and rules. A second one drops the entry, as in keepalived. */
export const trackGroupOption = <Draft extends { trackGroup?: Named }>(what: string): OptionWord<Draft> => ({
  args: [text],
  apply: (draft, [group], { diagnostics, at }) => {
    if (draft.trackGroup !== undefined) {
      const message = `track_group is given twice for this ${what} - it is left out`;
      diagnostics.error("CFG_REPEATED", at, message, "remove one of them");
      return false;
    }
    draft.trackGroup = named(String(group), at);
    return undefined;
  },
  doc: `Instances of the track group give way for a moment when the ${what} is lost.`,
});
