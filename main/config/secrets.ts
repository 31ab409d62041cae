import { LONGEST_LINE } from "./lexer.js";

/**
 * Findings go to logs, terminals and code review tools, so nothing of them may show a password: neither a quoted line
 * nor a word in a sentence. Better a word too many hidden than one too few: a misspelled `auth_pass` holds the password
 * all the same, what follows it on the line belongs to it, and so does the value of a definition that is used there.
 * Only the text of the files is asked, so that text which the parser did not understand is covered too.
 */
export class Secrets {
  readonly #texts: () => Iterable<string>;
  #known: Definitions | undefined;
  /** Findings about one line come together. */
  #last: { readonly key: string; readonly secret: Secret | undefined } = { key: "", secret: undefined };

  /** `texts` is asked when the first finding needs it. */
  constructor(texts: () => Iterable<string>) {
    this.#texts = texts;
  }

  mayQuote(line: string): boolean {
    if (doubtful.test(line)) return false;
    const { tooMany, secretLines } = this.#definitions;
    if (tooMany || secretLines.has(line.trim())) return false;
    const names = namesIn(line);
    return names.length === 0 || !this.#definitions.reach(names).values.some(endsInPassword);
  }

  /** `sentence` is about `line`, and about text that came through `via`: names of definitions, turns of repetitions. */
  conceal(sentence: string, line: string, via: readonly string[]): string {
    const key = [line, ...via].join("\n");
    if (this.#last.key !== key) this.#last = { key, secret: this.#secretOf(line, via) };
    const { secret } = this.#last;
    return secret === undefined ? sentence : concealed(sentence, secret);
  }

  #secretOf(line: string, via: readonly string[]): Secret | undefined {
    if (line.length > LONGEST_LINE) return anything;
    if (via.length === 0 && !line.includes("$") && !passwordOnward.test(line)) return undefined;
    if (this.#definitions.tooMany) return anything;
    const turned = via.flatMap((step) => step.split(", ").map(nameOf));
    const used = this.#definitions.reach([...turned, ...namesIn(line)]);
    const involved = [line, ...used.values];
    const passwords = involved.flatMap(afterPasswords);
    if (used.values.some(endsInPassword)) passwords.push(line); // `$AUTH hunter2` with `$AUTH=auth_pass`
    if (passwords.length === 0) return undefined;
    // The items of a repetition stand before what it repeats.
    const items = involved.flatMap((text) => text.match(repetition) ?? []);
    const behind = this.#definitions.reach(passwords.flatMap(namesIn));
    return { words: wordsOf([...passwords, ...items, ...behind.values]), unknown: behind.unknown };
  }

  /** `NAME=value, NAME=value` of a repetition's turn. */
  concealTurn(turn: string): string {
    const { tooMany, secretNames } = this.#definitions;
    const parts = turn.split(", ").map((part) => [nameOf(part), part] as const);
    return parts.map(([name, part]) => (tooMany || secretNames.has(name) ? `${name}=${MASK}` : part)).join(", ");
  }

  get #definitions(): Definitions {
    this.#known ??= new Definitions(this.#texts());
    return this.#known;
  }
}

interface Secret {
  readonly words: ReadonlySet<string>;
  /** A name is used that the files do not define, `${_ENV NAME}` for one: what it stands for can be any text. */
  readonly unknown: boolean;
}

const anything: Secret = { words: new Set(), unknown: true };

/** Lines that are not quoted; more than hold passwords, because an excerpt is worth less than a password. */
const doubtful = /pas|pwd|auth|key|secret/i;
/** What follows a word that may announce a password. */
const passwordOnward = /(?:pas|pwd|secret|key|auth_(?!type|hmac))\w*([^\n]*)/i;
const passwordsOnward = new RegExp(passwordOnward, "gi");
/** Words of the language that stand beside passwords on one line. */
const harmless: readonly string[] = ["auth_type", "auth_pass", "PASS", "AH"];
const MASK = "...";
/** Of definitions that are kept in mind. With more than that no line is quoted and no word of a definition told. */
const MOST_DEFINITIONS = 100_000;
/** Words that are looked for inside others; and names that one line may lead to. */
const MOST = 200;

function concealed(sentence: string, { words, unknown }: Secret): string {
  const inside = [...words].filter((word) => word.length > 2).slice(0, MOST); // shorter ones are in every other word
  const hidden = sentence.replace(/\S+/g, (token) => {
    const core = token.replace(/^[('"`[]+|[)'"`\],.:;]+$/g, "");
    return words.has(core) || inside.some((word) => core.includes(word)) ? token.replace(core, MASK) : token;
  });
  return unknown ? hidden.replace(/(['"`])[\s\S]*(['"`])/, `$1${MASK}$2`) : hidden;
}

function wordsOf(texts: readonly string[]): ReadonlySet<string> {
  const whole = texts.flatMap((text) => text.split(/[\s"']+/));
  const words = new Set(whole.flatMap((word) => [word, ...word.split(/[{}()#!=$\\,.:;]+/)]));
  for (const word of ["", ...harmless]) words.delete(word);
  return words;
}

const afterPasswords = (text: string): readonly string[] =>
  [...text.matchAll(passwordsOnward)].map(([, rest = ""]) => rest).filter((rest) => rest.trim() !== "");

/** What follows on the line that uses the value belongs to a password. */
const endsInPassword = (value: string): boolean => passwordOnward.test(value.slice(value.lastIndexOf("\n") + 1));

const nameOf = (part: string): string => part.replace(/=.*$/s, "");

const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name = ""]) => name);

/** `$NAME=value`. A condition or a repetition may stand before it. */
const definition = /(?<!\S)\$([A-Za-z_]\w*)=(.*)$/;
/** `~LST(NAME, item, ...)`, `~LST({A,B}, {x,y}, ...)` or `~SEQ(...)`. */
const repetition = /~(?:SEQx?|LST)\(\s*(\{[^}~]*\}|\w*)([^)~]*)/g;
/** A line that holds none of these cannot matter for a definition, unless it goes on with one. */
const mark = /[$~]/g;

interface Made {
  readonly value: string;
  readonly line: string;
  /** The lines that follow; with all before that are joined to them, so that no line is in two runs. */
  readonly run: Run | undefined;
}

interface Run {
  readonly text: string;
  /** Offset behind its last line. */
  readonly end: number;
}

/** All definitions of the files, whatever conditions and order say. */
class Definitions {
  readonly #made = new Map<string, Made[]>();
  /** By name, each text once: one name may be defined a hundred thousand times, and a thousand findings be about it. */
  readonly #values = new Map<string, Set<string>>();
  /** By text, so that none is searched for every finding. */
  readonly #inner = new Map<string, readonly string[]>();
  readonly #usedForPasswords = new Set<string>();
  #count = 0;
  /** Used for passwords. */
  readonly secretNames: ReadonlySet<string>;
  /** Lines that give such a name a value. */
  readonly secretLines: ReadonlySet<string>;

  constructor(texts: Iterable<string>) {
    for (const text of texts) if (!this.tooMany) this.#scan(text);
    this.secretNames = this.reach([...this.#usedForPasswords], Number.POSITIVE_INFINITY).names;
    const lines = new Set<string>();
    const runs = new Set<Run>();
    for (const { line, run } of [...this.secretNames].flatMap((name) => this.#made.get(name) ?? [])) {
      lines.add(line.trim());
      if (run !== undefined) runs.add(run);
    }
    for (const { text } of runs) for (const line of text.split("\n")) lines.add(line.trim());
    this.secretLines = lines;
  }

  get tooMany(): boolean {
    return this.#count > MOST_DEFINITIONS;
  }

  /** Values of `names`, of the names in these, and so on. `unknown`: there are more, which cannot be told. */
  reach(names: readonly string[], most = MOST): { names: ReadonlySet<string>; values: string[]; unknown: boolean } {
    const seen = new Set(names);
    const found = new Set<string>();
    let unknown = false;
    for (const name of seen) {
      const values = this.#values.get(name);
      if (values === undefined) unknown = true;
      for (const value of values ?? []) {
        if (found.has(value)) continue;
        if (found.size > most) {
          unknown = true;
          break;
        }
        found.add(value);
        for (const inner of this.#namesIn(value)) {
          if (seen.size <= most) seen.add(inner);
          else if (!seen.has(inner)) unknown = true;
        }
      }
    }
    return { names: seen, values: [...found], unknown };
  }

  #scan(text: string): void {
    let run: Run = { text: "", end: 0 };
    mark.lastIndex = 0;
    for (let match = mark.exec(text); match !== null && !this.tooMany; match = mark.exec(text)) {
      const end = endOfLine(text, match.index);
      const start = text.lastIndexOf("\n", match.index) + 1;
      const line = text.slice(start, end);
      mark.lastIndex = end;
      if (line.length > LONGEST_LINE) continue; // nothing is made of it
      for (const name of afterPasswords(line).flatMap(namesIn)) this.#usedForPasswords.add(name);
      for (const [, names = "", items = ""] of line.matchAll(repetition)) {
        for (const name of names.match(/\w+/g) ?? []) this.#note(name, { value: items, line, run: undefined });
      }
      const [whole, name = "", value = ""] = definition.exec(line) ?? [];
      if (whole === undefined) continue;
      if (start >= run.end && goesOn(line)) run = runFrom(text, end + 1);
      this.#note(name, { value, line, run: start < run.end ? run : undefined });
    }
  }

  #namesIn(value: string): readonly string[] {
    let names = this.#inner.get(value);
    if (names === undefined) {
      names = [...new Set(namesIn(value))];
      this.#inner.set(value, names);
    }
    return names;
  }

  #note(name: string, made: Made): void {
    this.#count++;
    const values = this.#values.get(name) ?? new Set();
    this.#values.set(name, values.add(made.value));
    if (made.run !== undefined) values.add(made.run.text);
    const known = this.#made.get(name);
    if (known === undefined) this.#made.set(name, [made]);
    else known.push(made);
  }
}

/** The lines from `start` on, to the first one that no backslash joins to the next. */
function runFrom(text: string, start: number): Run {
  let end = start;
  for (let more = true; more && end < text.length; ) {
    const next = endOfLine(text, end);
    more = goesOn(text.slice(end, next));
    end = next + 1;
  }
  return { text: text.slice(start, end), end };
}

const goesOn = (line: string): boolean => line.trimEnd().endsWith("\\");

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}
