import {
  CompletionItemKind,
  type Connection,
  createConnection,
  DiagnosticSeverity,
  type DocumentSymbol,
  type Hover,
  type InitializeResult,
  type Location,
  type Diagnostic as LspDiagnostic,
  MarkupKind,
  ProposedFeatures,
  SymbolKind,
  type TextDocumentPositionParams,
  TextDocumentSyncKind,
  TextDocuments,
  type TextEdit,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import type { Diagnostic } from "../config/diagnostics.js";
import { formatConfig } from "../config/format/format.js";
import type { Scope } from "../config/keyword.js";
import { rootScope } from "../config/keywords/root.js";
import { complete, type Suggestion } from "./complete.js";
import { declarationOf, definitionUsedAt, hoverText, wordAt } from "./lookup.js";
import type { NamedPlace } from "./names.js";
import type { Node } from "./outline.js";
import { placeAt } from "./place.js";
import { uriOf, Workspace } from "./workspace.js";

const root = rootScope as Scope<never>;
/** After the last keystroke. */
const CHECK_AFTER_MS = 200;
/** A position at the end of a line, however long it is. */
const LONGEST_LINE = 1_000_000;

/** Serves one editor until it says `exit` or closes the stream. */
export function serve(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<void> {
  const connection = createConnection(ProposedFeatures.all, input, output);
  const documents = new TextDocuments(TextDocument);
  const workspace = new Workspace();
  let timer: NodeJS.Timeout | undefined;
  let shown: readonly string[] = [];

  const check = (): void => {
    const found = workspace.check();
    const uris = [...found.keys()];
    for (const uri of shown.filter((old) => !found.has(old))) void connection.sendDiagnostics({ uri, diagnostics: [] });
    for (const [uri, diagnostics] of found) {
      const lines = workspace.text(uri).split("\n");
      void connection.sendDiagnostics({ uri, diagnostics: diagnostics.map((one) => shownDiagnostic(one, lines)) });
    }
    shown = uris;
  };
  const checkSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_AFTER_MS);
  };

  connection.onInitialize(capabilities);
  documents.onDidChangeContent(({ document }) => {
    workspace.set(document.uri, document.getText());
    checkSoon();
  });
  documents.onDidClose(({ document }) => {
    workspace.close(document.uri);
    checkSoon();
  });
  answer(connection, documents, workspace);
  documents.listen(connection);
  connection.listen();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    connection.onExit(end);
    input.once("end", end);
  });
}

const capabilities = (): InitializeResult => ({
  serverInfo: { name: "holdfast" },
  capabilities: {
    textDocumentSync: TextDocumentSyncKind.Incremental,
    completionProvider: { triggerCharacters: [" ", "$", "{"] },
    hoverProvider: true,
    definitionProvider: true,
    documentSymbolProvider: true,
    documentFormattingProvider: true,
  },
});

function answer(connection: Connection, documents: TextDocuments<TextDocument>, workspace: Workspace): void {
  connection.onCompletion(({ textDocument, position }) => {
    const document = documents.get(textDocument.uri);
    if (document === undefined) return [];
    const before = document.getText({ start: { line: 0, character: 0 }, end: position });
    return complete(root, placeAt(before), workspace.names(document.uri)).map(completionItem);
  });
  connection.onHover((params): Hover | undefined => {
    const target = definitionOf(params, documents, workspace);
    const { uri } = params.textDocument;
    const found = wordAt(workspace.outline(uri), params.position.line + 1, params.position.character + 1);
    const text =
      target?.kind === "definition"
        ? `$${target.name} is defined in ${target.file} line ${target.line}`
        : found && hoverText(root, found, workspace.names(uri));
    return text === undefined
      ? undefined
      : { contents: { kind: MarkupKind.Markdown, value: `\`\`\`text\n${text}\n\`\`\`` } };
  });
  connection.onDefinition((params): Location | undefined => {
    const target = definitionOf(params, documents, workspace);
    if (target === undefined) return undefined;
    const start = { line: target.line - 1, character: target.column - 1 };
    return {
      uri: uriOf(target.file),
      range: { start, end: { ...start, character: start.character + target.name.length } },
    };
  });
  connection.onDocumentSymbol(({ textDocument }) => workspace.outline(textDocument.uri).nodes.flatMap(symbolOf));
  connection.onDocumentFormatting(({ textDocument }): TextEdit[] => {
    const document = documents.get(textDocument.uri);
    if (document === undefined) return [];
    const text = document.getText();
    const formatted = asText(formatConfig(asBytes(text)).text);
    const range = { start: { line: 0, character: 0 }, end: document.positionAt(text.length) };
    return formatted === text ? [] : [{ range, newText: formatted }];
  });
}

/** The formatter counts bytes, one to a character. */
const asBytes = (text: string): string => Buffer.from(text).toString("latin1");
const asText = (bytes: string): string => Buffer.from(bytes, "latin1").toString();

function definitionOf(
  { textDocument, position }: TextDocumentPositionParams,
  documents: TextDocuments<TextDocument>,
  workspace: Workspace,
): NamedPlace | undefined {
  const document = documents.get(textDocument.uri);
  if (document === undefined) return undefined;
  const known = workspace.names(textDocument.uri);
  const start = { line: position.line, character: 0 };
  const line = document.getText({ start, end: { line: position.line + 1, character: 0 } }).replace(/\r?\n$/, "");
  const used = definitionUsedAt(line, position.character + 1);
  if (used !== undefined) return known.findLast(({ kind, name }) => kind === "definition" && name === used);
  const found = wordAt(workspace.outline(textDocument.uri), position.line + 1, position.character + 1);
  return found && declarationOf(found, known);
}

const itemKinds = {
  keyword: CompletionItemKind.Property,
  block: CompletionItemKind.Class,
  value: CompletionItemKind.EnumMember,
  name: CompletionItemKind.Reference,
  definition: CompletionItemKind.Variable,
} as const;

const completionItem = ({ label, kind, detail, documentation, deprecated }: Suggestion) => ({
  label,
  kind: itemKinds[kind],
  detail,
  documentation,
  deprecated,
});

/** Findings about the configuration as a whole stand at its beginning. The mark ends with the word or the line. */
function shownDiagnostic({ severity, code, message, at, hint }: Diagnostic, lines: readonly string[]): LspDiagnostic {
  const line = (at?.line ?? 1) - 1;
  const character = (at?.column ?? 1) - 1;
  const rest = (lines[line] ?? "").slice(character);
  const length = /^(?:"[^"]*"?|[^\s"{}]+|.)/.exec(rest)?.[0].length ?? 1;
  return {
    range: { start: { line, character }, end: { line, character: character + length } },
    severity: severity === "error" ? DiagnosticSeverity.Error : severityOfAdvice(code),
    code,
    source: "holdfast",
    message: hint === undefined ? message : `${message}\n${hint}`,
  };
}

/** What depends on the machine, or is only not built yet, is no fault of the file. */
const severityOfAdvice = (code: Diagnostic["code"]): DiagnosticSeverity =>
  ["CFG_SCRIPT", "CFG_SCRIPT_SECURITY", "CFG_LATER"].includes(code)
    ? DiagnosticSeverity.Information
    : DiagnosticSeverity.Warning;

function symbolOf(node: Node): DocumentSymbol[] {
  if (node.children === undefined) return [];
  const [keyword, name] = node.words;
  const range = {
    start: { line: node.line - 1, character: 0 },
    end: { line: node.endLine - 1, character: LONGEST_LINE },
  };
  const start = { line: node.line - 1, character: keyword.at.column - 1 };
  return [
    {
      name: node.words.map(({ text }) => text).join(" "),
      detail: "",
      kind: name === undefined ? SymbolKind.Namespace : SymbolKind.Class,
      range,
      selectionRange: { start, end: { line: start.line, character: start.character + keyword.text.length } },
      children: node.children.flatMap(symbolOf),
    },
  ];
}
