/** Longest sentence that is logged, in UTF-16 code units. keepalived cuts its own at 1,024 octets. */
export const SENTENCE_LIMIT = 1000;

const MASK = "********";

/** C0, DEL, C1 and the Unicode line separators: whatever could forge a second line or drive a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** `text` as one printable line of at most `limit` code units; what was cut off ends in `...`. */
export function oneLine(text: string, limit = SENTENCE_LIMIT): string {
  // A cut through a surrogate pair would not be UTF-8, so its first half goes too.
  // Escapes only grow the text, so nothing after `limit` can survive: do not scan megabytes for it.
  const line = text.slice(0, limit + 1).replace(CONTROL, escapeControl);
  return line.length <= limit ? line : `${line.slice(0, limit - 3).replace(/[\ud800-\udbff]$/, "")}...`;
}

function escapeControl(char: string): string {
  const code = char.charCodeAt(0).toString(16);
  return NAMED[char] ?? (code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`);
}

/** Names of settings and fields whose values are never shown. */
const SECRET_NAME = /^(?:auth_?pass|auth_?data|password|passphrase|secret|authkey|hmac_?key)$/i;

/** `auth_pass=x`, `password: "x"`, `auth_pass 'x'`. Without sign or quotes it may be prose ("auth_pass is too long"). */
const SECRET_SETTING =
  /\b(auth_?pass|auth_?data|password|passphrase|secret|authkey|hmac_?key)(\s*[=:]\s*|\s+(?=["']))("[^"]*"|'[^']*'|\S+)/gi;

/** Hides secrets in what is about to be logged. `values` are the passwords of the running configuration. */
export class Redactor {
  #values: RegExp | undefined;

  /** Replaces the list of known secrets; empty texts are ignored. */
  setSecrets(values: Iterable<string>): void {
    const known = [...new Set(values)].filter((value) => value !== "").sort((a, b) => b.length - a.length);
    const words = known.map((value) => value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    // Not inside a longer word: the popular password 1111 must not blank a part of every pid.
    this.#values = words.length === 0 ? undefined : new RegExp(`(?<![\\w])(?:${words.join("|")})(?![\\w])`, "g");
  }

  text(text: string): string {
    const settings = text.replace(SECRET_SETTING, (_, name: string, sign: string) => `${name}${sign}${MASK}`);
    return this.#values === undefined ? settings : settings.replace(this.#values, MASK);
  }

  field(name: string, value: string): string {
    return SECRET_NAME.test(name) ? MASK : this.text(value);
  }
}
