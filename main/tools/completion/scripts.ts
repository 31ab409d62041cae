import { unreachable } from "../../unreachable.js";
import { daemonOptions, keywordNames, type Subcommand, subcommands, takesFile } from "./words.js";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** A script for the shell; it names all words itself, so that completing starts no process. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case "bash":
      return bash();
    case "zsh":
      return zsh();
    case "fish":
      return fish();
    default:
      return unreachable(shell);
  }
}

const list = (words: readonly string[]): string => words.join(" ");
const daemonWords = (): readonly string[] =>
  daemonOptions.flatMap(({ short, long }) => [...(short ? [`-${short}`] : []), ...(long ? [`--${long}`] : [])]);
const fileWords = (): readonly string[] =>
  daemonOptions
    .filter(takesFile)
    .flatMap(({ short, long }) => [...(short ? [`-${short}`] : []), ...(long ? [`--${long}`] : [])]);

function bash(): string {
  const cases = subcommands.map((tool) => {
    const values = tool.options.flatMap(({ name, values: known }) =>
      known === undefined || known === "file"
        ? []
        : [`      ${name}) COMPREPLY=($(compgen -W "${list(known)}" -- "$word")); return ;;`],
    );
    const byOption = values.length === 0 ? "" : `    case $before in\n${values.join("\n")}\n    esac\n`;
    const names = tool.options.map(({ name }) => name);
    return `  ${tool.name})\n${byOption}    if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "${list(names)}" -- "$word")); return; fi\n    ${bashWords(tool)}\n    ;;`;
  });
  return `# bash completion for holdfast
_holdfast() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  if ((COMP_CWORD > 1)); then
  case \${COMP_WORDS[1]} in
${cases.join("\n")}
  esac
  case \${COMP_WORDS[1]} in ${subcommands.map(({ name }) => name).join("|")}) return ;; esac
  fi
  case $before in ${fileWords().join("|")}) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;; esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "${list(daemonWords())}" -- "$word")); return; fi
  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W "${list(subcommands.map(({ name }) => name))}" -- "$word")); fi
}
complete -F _holdfast holdfast
`;
}

function bashWords({ words }: Subcommand): string {
  if (words === "file") return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word"))';
  if (words === "keyword") return `COMPREPLY=($(compgen -W "${list(keywordNames())}" -- "$word"))`;
  if (words.length === 0) return ":";
  const first = `COMPREPLY=($(compgen -W "${list(words)}" -- "$word"))`;
  return `if ((COMP_CWORD == 2)); then ${first}; else compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); fi`;
}

/** In single quotes; brackets and colons have a meaning for _arguments and _describe. */
const zshText = (text: string): string => text.replaceAll("'", "'\\''").replace(/[[\]:]/g, "\\$&");

function zsh(): string {
  const commands = subcommands.map(({ name, summary }) => `    '${name}:${zshText(summary)}'`);
  const cases = subcommands.map((tool) => {
    const specs = tool.options.map(({ name, help, values, takesValue }) => {
      const value =
        values === "file"
          ? ":file:_files"
          : values !== undefined
            ? `:value:(${list(values)})`
            : takesValue
              ? ":value: "
              : "";
      return `'${name}[${zshText(help)}]${value}'`;
    });
    const [first, rest] = zshWords(tool);
    return `      ${tool.name}) _arguments ${[...specs, first, rest].filter((spec) => spec !== "").join(" ")} ;;`;
  });
  const options = daemonOptions.flatMap((spec) => {
    const value = spec.argument === "none" ? "" : takesFile(spec) ? ":file:_files" : ":value: ";
    const names = [...(spec.short ? [`-${spec.short}`] : []), ...(spec.long ? [`--${spec.long}`] : [])];
    return names.map((name) => `      '${name}[${zshText(spec.help)}]${value}'`);
  });
  return `#compdef holdfast
# zsh completion for holdfast
_holdfast() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  if ((CURRENT > 2)); then
    local name=$words[2]
    case $name in
      ${subcommands.map(({ name }) => name).join("|")}) words=($words[2,-1]); ((CURRENT--)) ;;
    esac
    case $name in
${cases.join("\n")}
    esac
    case $name in ${subcommands.map(({ name }) => name).join("|")}) return ;; esac
  fi
  if ((CURRENT == 2)) && [[ $words[CURRENT] != -* ]]; then _describe command commands && return; fi
  _arguments \\
${options.join(" \\\n")}
}
compdef _holdfast holdfast
`;
}

/** The specification of the first word and of the rest. */
function zshWords({ words }: Subcommand): readonly [string, string] {
  if (words === "file") return ["", "'*:file:_files'"];
  if (words === "keyword") return ["", `'*:keyword:(${list(keywordNames())})'`];
  return words.length === 0 ? ["", ""] : [`'1:word:(${list(words)})'`, "'*:file:_files'"];
}

const fishText = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;

function fish(): string {
  const names = list(subcommands.map(({ name }) => name));
  const none = `not __fish_seen_subcommand_from ${names}`;
  const commands = subcommands.map(
    ({ name, summary }) =>
      `complete -c holdfast -f -n ${fishText(`__fish_is_first_arg; and ${none}`)} -a ${name} -d ${fishText(summary)}`,
  );
  const tools = subcommands.flatMap((tool) => {
    const inside = fishText(`__fish_seen_subcommand_from ${tool.name}`);
    const options = tool.options.map(({ name, help, values, takesValue }) => {
      const value =
        values === "file" ? " -r" : values !== undefined ? ` -x -a ${fishText(list(values))}` : takesValue ? " -x" : "";
      return `complete -c holdfast -n ${inside} -l ${name.slice(2)}${value} -d ${fishText(help)}`;
    });
    const { words } = tool;
    if (words === "file") return [...options, `complete -c holdfast -n ${inside} -F`];
    const known = words === "keyword" ? keywordNames() : words;
    return known.length === 0
      ? options
      : [...options, `complete -c holdfast -f -n ${inside} -a ${fishText(list(known))}`];
  });
  const daemon = daemonOptions.map((spec) => {
    const value = spec.argument === "none" ? "" : takesFile(spec) ? " -r" : " -x";
    const short = spec.short === undefined ? "" : ` -s ${spec.short}`;
    const long = spec.long === undefined ? "" : ` -l ${spec.long}`;
    return `complete -c holdfast -n ${fishText(none)}${short}${long}${value} -d ${fishText(spec.help)}`;
  });
  return `# fish completion for holdfast\n${[...commands, ...tools, ...daemon].join("\n")}\n`;
}
