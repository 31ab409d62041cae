import type { Outline } from "./outline.js";
import { walkOutline } from "./outline.js";

/** Things that have a name: declared in one place, used in others. */
export type NameKind =
  | "vrrp_instance"
  | "vrrp_sync_group"
  | "vrrp_script"
  | "track_file"
  | "vrrp_track_process"
  | "bfd_instance"
  | "virtual_server_group"
  | "track_group"
  | "definition";

export interface NamedPlace {
  readonly kind: NameKind;
  readonly name: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

const declaring: Readonly<Record<string, NameKind>> = {
  vrrp_instance: "vrrp_instance",
  vrrp_sync_group: "vrrp_sync_group",
  vrrp_script: "vrrp_script",
  track_file: "track_file",
  vrrp_track_file: "track_file",
  vrrp_track_process: "vrrp_track_process",
  bfd_instance: "bfd_instance",
  virtual_server_group: "virtual_server_group",
  track_group: "track_group",
};

/** Lists whose entries begin with a name. */
const listing: Readonly<Record<string, NameKind>> = {
  group: "vrrp_instance",
  track_script: "vrrp_script",
  track_file: "track_file",
  track_process: "vrrp_track_process",
  track_bfd: "bfd_instance",
};

/** What the first word of an entry at `path` names. */
export function kindInList(path: readonly string[]): NameKind | undefined {
  const list = path.at(-1);
  if (path.length === 1 && list === "track_group") return "vrrp_instance";
  return path.length < 2 || list === undefined ? undefined : listing[list];
}

/** What the word at `index` (0: the keyword) of a statement names. */
export function kindInStatement(
  path: readonly string[],
  words: readonly string[],
  index: number,
): NameKind | undefined {
  const [keyword = "", first] = words;
  if (index === 0) return kindInList(path);
  if (path.length === 0 && keyword === "virtual_server") {
    return index === 2 && first === "group" ? "virtual_server_group" : undefined;
  }
  if (path.at(-1) === "BFD_CHECK" && keyword === "name" && index === 1) return "bfd_instance";
  if (keyword === "lvs_sync_daemon" && index === 2) return "vrrp_instance";
  const before = words[index - 1];
  if (before === "track_group" && index > 1) return "track_group";
  return undefined;
}

/** Where names are declared in one text. */
export function* declarations(file: string, outline: Outline): Generator<NamedPlace> {
  for (const { node, path } of walkOutline(outline.nodes)) {
    const [keyword, name] = node.words;
    const kind = path.length === 0 ? declaring[keyword.text] : undefined;
    if (kind !== undefined && name !== undefined) {
      yield { kind, name: name.text, file, line: name.at.line, column: name.at.column };
    }
  }
  for (const { name, line, column } of outline.definitions) yield { kind: "definition", name, file, line, column };
}
