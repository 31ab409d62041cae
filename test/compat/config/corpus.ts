import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { projectRoot } from "../../harness/project.js";

/** The corpus: one configuration per file, what is expected of it in comments at its head. See README.md beside it. */
export interface CorpusFile {
  /** Below the corpus, without its ending: `vrrp/bad/no-vrid`. */
  readonly name: string;
  readonly path: string;
  /** Names of its two folders: `vrrp`, and `good` or `bad`. */
  readonly subject: string;
  readonly good: boolean;
  /** What the file is about; for a bad one its mistake. Its first line. */
  readonly about: string;
  /** Exit code of `-t` of the keepalived that we follow, 2.4.3. */
  readonly expected: number;
  /** Where Debian's 2.2.7 ends otherwise. */
  readonly debian: Deviation | undefined;
  /** Where we end otherwise, on purpose; docs/differences.md has a row. */
  readonly holdfast: Deviation | undefined;
  /** Why what Debian's keepalived makes of it, and what we do, are not the same. */
  readonly meaningDiffers: string | undefined;
  readonly text: string;
  readonly configId: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Deviation {
  readonly exit: number;
  readonly reason: string;
}

const root = path.join(projectRoot, "test/compat/config");
/** keepalived's exit code for errors that are neither a missing value (2), nor a missing file (4), nor about security (6). */
const ANY_ERROR = 5;
const DEFAULT_ID = "lb1";
const kinds = ["good", "bad"];

/** All files, in order of their names. @throws Error for a head that cannot be read */
export function readCorpus(): readonly CorpusFile[] {
  const subjects = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return subjects
    .flatMap(({ name: subject }) => kinds.flatMap((kind) => filesOf(subject, kind)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function filesOf(subject: string, kind: string): readonly CorpusFile[] {
  const folder = path.join(root, subject, kind);
  const names = readdirSync(folder).filter((name) => name.endsWith(".conf"));
  return names.map((name) => {
    const file = path.join(folder, name);
    return parseHead(`${subject}/${kind}/${path.basename(name, ".conf")}`, file, readFileSync(file, "utf8"));
  });
}

/** Comments before the first other line: what the file is about, then `# key: value` lines. */
export function parseHead(name: string, file: string, text: string): CorpusFile {
  const [about = "", ...lines] = text.split(/\r?\n/);
  const subject = name.split("/")[0] ?? "";
  const good = name.split("/")[1] === "good";
  const values = new Map<string, string[]>();
  for (const line of lines) {
    const [, key, value] = /^# (expect|2\.2\.7|meaning differs|holdfast|config-id|environment): (.+)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) break;
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  if (!/^# \S.*[.?]$/.test(about)) throw new Error(`${name}: the first line has to say in a sentence what it is about`);
  const deviation = (key: string): Deviation | undefined => parseDeviation(name, values.get(key)?.[0]);
  return {
    name,
    path: file,
    subject,
    good,
    about: about.slice(2),
    expected: Number(values.get("expect")?.[0] ?? (good ? 0 : ANY_ERROR)),
    debian: deviation("2.2.7"),
    holdfast: deviation("holdfast"),
    meaningDiffers: values.get("meaning differs")?.[0],
    text,
    configId: values.get("config-id")?.[0] ?? DEFAULT_ID,
    environment: Object.fromEntries((values.get("environment") ?? []).map((pair) => pair.split(/=(.*)/, 2))),
  };
}

function parseDeviation(name: string, text: string | undefined): Deviation | undefined {
  if (text === undefined) return undefined;
  const [, exit, reason] = /^(\d+) - (\S.+)$/.exec(text) ?? [];
  if (exit === undefined || reason === undefined) throw new Error(`${name}: "${text}" is not "EXIT - REASON"`);
  return { exit: Number(exit), reason };
}
