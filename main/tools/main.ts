import { errnoName } from "../errors.js";
import { helpText, toolTable } from "./table.js";

/** Entry of the tools: everything that is not the daemon. bin/holdfast starts it when the first word names a tool. */
async function main([name = "", ...argv]: readonly string[]): Promise<number> {
  if (name === "help" || name === "") {
    process.stdout.write(helpText());
    return 0;
  }
  const tool = Object.hasOwn(toolTable, name) ? toolTable[name] : undefined;
  if (tool !== undefined) return (await tool.load()).run(argv);
  process.stderr.write(`holdfast: there is no tool '${name}'; there are: ${Object.keys(toolTable).join(", ")}\n`);
  return 2;
}

/**
 * `holdfast check FILE | head` closes the pipe early: that is no error, and what was found still decides the exit code.
 * A full disk is one: whoever reads the output has only a part.
 */
process.stdout.on("error", (error) => {
  const why = errnoName(error);
  if (why === undefined) throw error;
  if (why === "EPIPE") return;
  process.stderr.write(`holdfast: cannot write the output: ${why}\n`);
  process.exit(2);
});
/** Nobody is left to tell. */
process.stderr.on("error", (error) => {
  if (errnoName(error) === undefined) throw error;
});

process.exitCode = await main(process.argv.slice(2));
