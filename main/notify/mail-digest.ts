import type { Mail } from "./mail.js";

/** A row for each server or instance: more of them would only be a larger mail, and mail servers refuse those (RFC 1870). */
const MOST_ROWS = 20_000;
/** Kinds of news that the subject names. */
const MOST_IN_SUBJECT = 4;

/** What is known of one server, quorum, instance or group: the last word about it, and how often it has changed. */
interface Row {
  readonly what: string;
  readonly changes: number;
  /** Milliseconds since 1970, of the last change. */
  readonly at: number;
  readonly state: string;
  readonly why: string;
}

/** Many mails as one: how many there are of each kind, then a table of the last word about each of their subjects. */
export class MailDigest {
  readonly #rows = new Map<string, Row>();
  /** Rows by what they say now, `Realserver DOWN`. */
  readonly #counts = new Map<string, number>();
  #widestState = 0;
  #alerts = 0;
  #unlisted = 0;
  #firstAt = 0;
  #lastAt = 0;

  /** `at`: milliseconds since 1970, of the event and not of the mail. */
  add(mail: Mail, at: number): void {
    if (this.#alerts === 0) this.#firstAt = at;
    this.#lastAt = at;
    this.#alerts += 1;
    const { what, state } = partsOf(mail.subject);
    const why = mail.body.replace(/^=> (.*) <=$/, "$1");
    const row = this.#rows.get(what);
    if (row === undefined && this.#rows.size === MOST_ROWS) {
      this.#unlisted += 1;
      return;
    }
    if (row !== undefined) this.#count(row, -1);
    const now = { what, changes: (row?.changes ?? 0) + 1, at, state, why };
    this.#count(now, 1);
    this.#widestState = Math.max(this.#widestState, state.length);
    this.#rows.set(what, now);
  }

  /** `[router_id] 10000 alerts - 9990 Realserver DOWN, 10 Realserver UP` */
  subject(routerId: string): string {
    const counts = this.#sorted();
    const named = counts.slice(0, MOST_IN_SUBJECT).map(({ kind, count }) => `${count} ${kind}`);
    const more = counts.length > MOST_IN_SUBJECT ? ", ..." : "";
    return `[${routerId}] ${this.#alerts} alerts - ${named.join(", ")}${more}`;
  }

  /** The body, in pieces to be put together: it may be of a megabyte. */
  *body(): Generator<string> {
    const [from, to] = [timeText(this.#firstAt), timeText(this.#lastAt)];
    yield `${this.#alerts} alerts about ${this.#rows.size} servers or instances, from ${from} to ${to}.\r\n\r\n`;
    for (const { kind, count } of this.#sorted()) yield `${String(count).padStart(8)}  ${kind}\r\n`;
    if (this.#unlisted > 0)
      yield `${String(this.#unlisted).padStart(8)}  more alerts are not listed here: see the log\r\n`;
    const widest = Math.max(this.#widestState, "state".length);
    const line = (at: string, changes: string, state: string, rest: string): string =>
      `${at.padEnd(24)}  ${changes.padStart(7)}  ${state.padEnd(widest)}  ${rest}\r\n`;
    yield `\r\nThe last word about each:\r\n\r\n${line("time", "changes", "state", "of, and why")}`;
    for (const of of ["quorums", "others"])
      for (const { what, changes, at, state, why } of this.#rows.values())
        if (what.startsWith("Virtualserver ") === (of === "quorums"))
          yield line(timeText(at), String(changes), state, `${what}: ${why}`);
  }

  #count({ what, state }: Row, by: number): void {
    const kind = `${kindOf(what)} ${state}`;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + by);
  }

  /** The most frequent first. */
  #sorted(): readonly { readonly kind: string; readonly count: number }[] {
    const counts = [...this.#counts].map(([kind, count]) => ({ kind, count }));
    return counts.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
  }
}

/** Every subject of ours is `[router_id] WHAT - STATE`; see mail.ts, and main/health. */
function partsOf(subject: string): { readonly what: string; readonly state: string } {
  const from = subject.indexOf("] ") + 2;
  const to = subject.lastIndexOf(" - ");
  return { what: subject.slice(from, to), state: subject.slice(to + 3) };
}

/** `Realserver`, `Virtualserver`, `VRRP Instance`, `VRRP Group`. */
const kindOf = (what: string): string => /^(VRRP )?\S+/.exec(what)?.[0] ?? "";

/** ISO 8601, UTC. */
const timeText = (at: number): string => new Date(at).toISOString();
