import type { Scope } from "./keyword.js";
import { places, valueWords } from "./walk.js";

/** A TextMate grammar of keepalived.conf for editors, made from the keyword tables. */
export function textMateGrammar(root: Scope<never>): object {
  const all = [...places(root)];
  const named = (kind: (place: (typeof all)[number]) => boolean): string =>
    alternatives(new Set(all.filter(kind).map(({ name }) => name)));
  const isBlock = (kind: string): boolean => kind === "block" || kind === "list";
  const options = new Set(all.flatMap(({ keyword }) => [...valueWords(keyword)].map(({ word }) => word)));
  const lineStart = "(?:^|(?<=[{}]))[ \\t]*";
  return {
    name: "keepalived.conf",
    scopeName: "source.keepalived",
    fileTypes: ["keepalived.conf", "keepalived.d"],
    patterns: [
      { name: "comment.line.keepalived", match: "[#!].*$" },
      {
        name: "string.quoted.double.keepalived",
        match: '"[^"]*"?',
        captures: { 0: { patterns: [{ include: "#variable" }] } },
      },
      {
        name: "meta.condition.keepalived",
        match: "^[ \\t]*(@\\^?)(\\S+)",
        captures: { 1: { name: "keyword.control.condition.keepalived" }, 2: { name: "entity.name.tag.keepalived" } },
      },
      {
        name: "meta.definition.keepalived",
        match: "^[ \\t]*(?:@\\^?\\S+[ \\t]+)?(\\$[A-Za-z_][A-Za-z0-9_]*)(=)",
        captures: {
          1: { name: "variable.other.definition.keepalived" },
          2: { name: "keyword.operator.assignment.keepalived" },
        },
      },
      { name: "keyword.control.repetition.keepalived", match: "~(?:SEQx?|LST)(?=\\()" },
      {
        match: `${lineStart}(include[rmwba]?)[ \\t]+(.*)$`,
        captures: { 1: { name: "keyword.control.include.keepalived" }, 2: { name: "string.unquoted.path.keepalived" } },
      },
      { include: "#variable" },
      {
        match: `${lineStart}(${named(({ keyword, path }) => keyword.kind === "block" && path.length === 0)})(?:[ \\t]+([^\\s{}"#!]+))?`,
        captures: { 1: { name: "storage.type.block.keepalived" }, 2: { name: "entity.name.section.keepalived" } },
      },
      {
        match: `${lineStart}(${named(({ keyword }) => isBlock(keyword.kind))})(?=[\\s{]|$)`,
        captures: { 1: { name: "storage.type.block.keepalived" } },
      },
      {
        match: `${lineStart}(${named(({ keyword }) => !isBlock(keyword.kind))})(?=[\\s{}]|$)`,
        captures: { 1: { name: "keyword.other.keepalived" } },
      },
      {
        name: "constant.numeric.address.keepalived",
        match:
          "(?<![\\w.:])(?:\\d{1,3}(?:\\.\\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?:/\\d{1,3})?(?![\\w.:])",
      },
      { name: "constant.numeric.keepalived", match: "(?<![\\w.-])-?\\d+(?:\\.\\d+)?(?![\\w.])" },
      { name: "constant.language.keepalived", match: "(?<!\\S)(?:on|off|true|false|yes|no|MASTER|BACKUP)(?=[\\s}]|$)" },
      { name: "support.constant.keepalived", match: `(?<=[ \\t])(?:${alternatives(options)})(?=[\\s}]|$)` },
    ],
    repository: {
      variable: {
        name: "variable.other.keepalived",
        match: '\\$(?:\\{[A-Za-z_][A-Za-z0-9_]*[^{}"]*\\}|[A-Za-z_][A-Za-z0-9_]*(?=[\\s,)]|$))',
      },
    },
  };
}

/** Longest first, so that `notify` does not hide `notify_master`. */
const alternatives = (words: ReadonlySet<string>): string =>
  [...words]
    .filter((word) => /^[\w-]+$/.test(word))
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .join("|");
