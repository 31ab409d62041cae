import { parseArgs } from "node:util";
import { createHost } from "../config/host.js";
import { loadConfig } from "../config/load.js";
import type { Config } from "../config/model.js";
import { hasErrors, renderDiagnostics } from "../config/report.js";
import { jsonText } from "../config/report-json.js";
import { showConfig } from "../config/show/show.js";
import { UsageError, withCommandLine } from "./command-line.js";

const usage = `usage: holdfast config show FILE [--format conf|json] [--secrets] [--config-id ID]
Shows the effective configuration: includes, conditions, definitions and defaults filled in, scripts resolved.
Passwords and keys are hidden unless --secrets is given: without it, the form conf is to be read, not to be loaded.
Exit code: 0 no errors, 1 errors (what could be understood is shown), 2 wrong command line.
`;

/** `holdfast config show`: exit 0; 1 when the file has errors (what could be understood is shown); 2 for a wrong command line. */
export async function run(argv: readonly string[]): Promise<number> {
  return withCommandLine("config", usage, () => read(argv), show);
}

function show(asked: Asked): number {
  const result = loadConfig(asked.file, createHost({ configId: asked.configId }));
  process.stderr.write(renderDiagnostics(result.diagnostics));
  const { config } = result;
  if (config !== undefined) {
    process.stdout.write(asked.format === "json" ? asJson(config, asked.secrets) : asConf(config, asked.secrets));
  }
  return config === undefined || hasErrors(result) ? 1 : 0;
}

interface Asked {
  readonly file: string;
  readonly format: "conf" | "json";
  readonly secrets: boolean;
  readonly configId: string | undefined;
}

/** Undefined for --help. @throws UsageError, TypeError */
function read(argv: readonly string[]): Asked | undefined {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      format: { type: "string", default: "conf" },
      secrets: { type: "boolean", default: false },
      "config-id": { type: "string", short: "i" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const [verb, file, ...more] = positionals;
  if (verb !== "show") throw new UsageError("the only verb is show");
  if (file === undefined || more.length > 0) throw new UsageError("write one FILE");
  const { format, secrets } = values;
  if (format !== "conf" && format !== "json") throw new UsageError(`unknown format '${format}' - use conf or json`);
  return { file, format, secrets, configId: values["config-id"] };
}

/** What is hidden is said first: `<hidden>` would be loaded as a password like any other. */
function asConf(config: Config, secrets: boolean): string {
  const text = showConfig(config, { secrets });
  return text.includes("<hidden>") ? `# Passwords are hidden: load what --secrets shows instead.\n${text}` : text;
}

/** Members of the model that hold secrets, wherever they stand. */
const secretMembers = new Set(["authPass", "authKey", "key", "keys", "password"]);

const asJson = (config: Config, secrets: boolean): string =>
  jsonText(config, (name, value) => {
    if (typeof value === "bigint") return value.toString();
    return !secrets && secretMembers.has(name) && value !== undefined ? "<hidden>" : value;
  });
