import { type Described, keywordsFor, type WordsKeyword } from "../keyword.js";

/** `snmp_name`: exactly one word, or the line is ignored. */
export const oneName = <Draft extends { snmpName?: string }>(of: string, meta: Described): WordsKeyword<Draft> =>
  keywordsFor<Draft>().words({
    shape: "<name>",
    apply: (draft, [name, surplus], { keyword, at, diagnostics }) => {
      if (name !== undefined && surplus === undefined) draft.snmpName = name.text;
      else {
        const message = `${of} ${keyword} missing or extra parameters`;
        diagnostics.error("CFG_BAD_VALUE", surplus?.at ?? at, message, `write: ${keyword} "NAME"`);
      }
    },
    repeat: "last-wins-reported",
    ...meta,
  });
