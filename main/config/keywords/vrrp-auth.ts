import { choice, integer, seconds, text } from "../args.js";
import { keywordsFor, type Scope } from "../keyword.js";
import type { OptionTable } from "../option-words.js";
import type { HmacDraft, VrrpInstanceDraft } from "./vrrp-instance-draft.js";

const keyword = keywordsFor<VrrpInstanceDraft>();
const hmac = keywordsFor<HmacDraft>();

const authentication: Scope<VrrpInstanceDraft> = {
  name: "authentication",
  keywords: {
    auth_type: keyword.field("authType", choice("PASS", "AH"), {
      doc: "PASS: plain password in version 2 adverts. AH: signed with the password as key, IPv4 only.",
    }),
    auth_pass: keyword.value({
      args: [text],
      apply: (draft, [password], { diagnostics, at }) => {
        const bytes = Buffer.from(password);
        if (bytes.length > 8) {
          const hint = "use a password of 8 characters";
          diagnostics.warn("CFG_ADJUSTED", at, "Truncating auth_pass to 8 characters", hint);
        }
        draft.authPass = bytes.length > 8 ? bytes.subarray(0, 8).toString() : password;
      },
      doc: "The password; 8 octets of it are used.",
    }),
  },
};

const keyForms: OptionTable = {
  "hex:": { args: [text], apply: () => undefined, doc: "Before the digits of a key of raw bytes." },
  "file:": { args: [text], apply: () => undefined, doc: "Before the path of a file that holds the key." },
};

const authHmac: Scope<HmacDraft> = {
  name: "auth_hmac",
  keywords: {
    key: hmac.words({
      shape: "<id: 1..255> <text|hex:<digits>|file:<path>>",
      options: keyForms,
      apply: (draft, [id, value], { diagnostics, at }) => {
        const parsed = integer(1, 255).parse(id?.text ?? "");
        if (parsed.ok && value !== undefined) draft.keys.push({ id: parsed.value, value: value.text, at });
        else diagnostics.error("CFG_BAD_VALUE", at, "a key has an id of 1 to 255 and a value", "write: key <id> <key>");
      },
      doc: "A signing key of 32 to 64 bytes.",
    }),
    active_key: hmac.field("activeKey", integer(1, 255), { doc: "The key that adverts are signed with." }),
    time_window: hmac.field("timeWindow", seconds(1, 300, 0), {
      default: "3 x advert_int, from 5 to 300",
      doc: "How old an advert may be.",
    }),
    anti_replay: hmac.field("antiReplay", choice("time", "monotonic"), {
      default: "time",
      doc: "time: adverts are fresh by the clock; monotonic: their numbers grow.",
    }),
    mode: hmac.field("mode", choice("enforce", "permissive", "receive-only"), {
      default: "enforce",
      doc: "enforce: unsigned adverts are dropped; permissive: they are not; receive-only: ours are unsigned too.",
    }),
  },
};

export const authKeywords = {
  authentication: keyword.block({
    shape: "",
    body: authentication,
    open: (draft) => draft,
    doc: "Authentication of version 2.",
  }),
  auth_hmac: keyword.block({
    shape: "",
    body: authHmac,
    open: (draft) => (draft.hmac ??= { keys: [] }),
    since: "2.4.0",
    doc: "Adverts are signed with HMAC-SHA256.",
  }),
} as const;
