import type { Diagnostics } from "./diagnostics.js";
import type { SourcePosition } from "./model.js";
import type { ConfigHost } from "./ports.js";

/** keepalived's line buffer holds 1023 characters; we allow a little more before we call it a runaway. */
const LONGEST = 8192;
const MOST_STEPS_PER_LINE = 1000;
/** Characters looked at while substituting in one load: adversarial definitions cannot make it hang. */
const WORK_LIMIT = 32 * 1024 * 1024;

/** `${NAME}` or `${_NAME parameter}` anywhere; `$NAME` before a blank, `,`, `)` or the end. */
const use = /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)((?:[ \t]+[^{}\s]+)*)[ \t]*\}|([A-Za-z_][A-Za-z0-9_]*)(?=[\s,)]|$))/g;

/** Definitions of one load. Values are stored raw and expanded where they are used. */
export class Definitions {
  readonly #values = new Map<string, string>();
  readonly #host: ConfigHost;
  readonly #diagnostics: Diagnostics;
  #work = 0;

  constructor(host: ConfigHost, diagnostics: Diagnostics) {
    this.#host = host;
    this.#diagnostics = diagnostics;
  }

  /** @returns whether the line is a definition, which then is stored. */
  define(text: string, at: SourcePosition): boolean {
    if (/^~(SEQx?|LST)\(/.test(text)) {
      this.#diagnostics.error("CFG_NOT_IN_VERSION", at, "~SEQ and ~LST are not in this version", "write the lines out");
      return true;
    }
    const match = /^\$([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text);
    if (match === null) return false;
    const value = (match[2] ?? "").trim();
    if (value.endsWith("\\")) {
      const message = "definitions of several lines are not in this version";
      this.#diagnostics.error("CFG_NOT_IN_VERSION", at, message, "write the value in one line");
    }
    this.#values.set(match[1] ?? "", value.replace(/\\$/, "").trimEnd());
    return true;
  }

  expand(text: string, at: SourcePosition): string {
    if (!text.includes("$")) return text;
    const budget: Budget = { steps: MOST_STEPS_PER_LINE, room: LONGEST, exceeded: false };
    const expanded = this.#expand(text, at, budget, 0);
    if (!budget.exceeded) return expanded;
    const hint = "a definition that contains itself grows without end";
    this.#diagnostics.error("CFG_SUBSTITUTION", at, "the substitution grows too long; the line is left as it is", hint);
    return text;
  }

  #expand(text: string, at: SourcePosition, budget: Budget, depth: number): string {
    this.#work += text.length;
    if (budget.exceeded || depth > 32 || this.#work > WORK_LIMIT) {
      budget.exceeded = true;
      return text;
    }
    return text.replace(use, (whole, braced?: string, parameter?: string, plain?: string) => {
      const value = this.#lookUp(braced ?? plain ?? "", (parameter ?? "").trim(), at);
      if (value === undefined) return whole;
      budget.room -= value.length;
      if (--budget.steps < 0 || budget.room < 0) budget.exceeded = true;
      return budget.exceeded ? whole : this.#expand(value, at, budget, depth + 1);
    });
  }

  #lookUp(name: string, parameter: string, at: SourcePosition): string | undefined {
    if (name === "_ENV") return parameter === "" ? undefined : (this.#host.environment(parameter) ?? "");
    if (parameter !== "") return undefined;
    const defined = this.#values.get(name);
    if (defined !== undefined) return defined;
    switch (name) {
      case "_PWD":
        return at.file.slice(0, at.file.lastIndexOf("/")) || "/";
      case "_INSTANCE":
        return this.#host.configId;
      case "_HASH":
        return "#";
      case "_BANG":
        return "!";
      default:
        return undefined;
    }
  }
}

interface Budget {
  steps: number;
  room: number;
  exceeded: boolean;
}
