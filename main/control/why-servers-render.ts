import { seconds } from "./why-master.js";
import type { CheckWhy, RealServerWhy, ServersWhy, VirtualServerWhy } from "./why-servers.js";

type Block = readonly [title: string, lines: readonly string[]];

/** Plain text for `holdfast why` of a virtual server or a real server: the answer first. */
export function renderServersWhy({ asked, about, virtualServers, more }: ServersWhy): string {
  const texts = virtualServers.flatMap((vs) =>
    about === "virtual-server" ? virtualServerText(vs) : vs.realServers.map((server) => realServerText(server, vs)),
  );
  const rest = more === 0 ? [] : [`${more} more virtual servers have ${asked}`];
  return `${[...texts, ...rest].join("\n\n")}\n`;
}

function virtualServerText(vs: VirtualServerWhy): string {
  const { state, forMs, because, wouldBringItBack } = vs;
  return text(`${vs.vs} is ${state.toUpperCase()} for ${seconds(forMs)}: ${because}`, [
    ["quorum", [quorumLine(vs)]],
    ["servers", serverLines(vs)],
    ...aroundIt(vs),
    ["back when", wouldBringItBack],
  ]);
}

function realServerText(server: RealServerWhy, vs: VirtualServerWhy): string {
  const { wouldBringItBack: needed } = server;
  return text(serverLine(server, ` of ${vs.vs}`), [
    ["table", [server.inTable ? `in it with weight ${server.weight}` : "not in it"]],
    ["checks", server.checks.map(checkLine)],
    ["quorum", [`${vs.state}: ${quorumLine(vs)}`]],
    ...aroundIt(vs),
    ["back when", needed.length > 1 ? [...needed, "all of these are needed"] : needed],
  ]);
}

/** What concerns all of its servers. */
const aroundIt = ({ sorryServer, suspended, removalFloor, tableHeld, kernel }: VirtualServerWhy): readonly Block[] => [
  [
    "sorry",
    sorryServer === undefined ? [] : [`${sorryServer.name}${sorryServer.active ? " takes the connections" : " rests"}`],
  ],
  ["suspended", suspended ? ["ha_suspend: no address of it is on this host, its checks rest"] : []],
  ["floor", removalFloor === undefined ? [] : [`${removalFloor.percent}% confirm ${seconds(removalFloor.confirmMs)}`]],
  ["self check", tableHeld === undefined ? [] : [`holds the table: ${tableHeld}`]],
  ["kernel", kernel],
];

function quorumLine({ quorum: { weight, wanted, hysteresis } }: VirtualServerWhy): string {
  const band = hysteresis === 0 ? "" : ` (gained at ${wanted + hysteresis}, lost below ${wanted - hysteresis})`;
  return `weight ${weight} is in service, ${wanted} wanted${band}`;
}

function serverLines({ servers: { total, up, held }, realServers, more }: VirtualServerWhy): readonly string[] {
  const rest = more === 0 ? [] : [`  and ${more} more`];
  const count = `${up} of ${total} up${held === 0 ? "" : `, ${held} held back`}`;
  return [count, ...realServers.map((server) => `  ${serverLine(server)}`), ...rest];
}

const serverLine = ({ rs, state, forMs, because }: RealServerWhy, of = ""): string =>
  `${rs}${of} is ${state.toUpperCase()} for ${seconds(forMs)}: ${because}`;

function checkLine({ type, target, state, hasRun, forMs, error, everyMs, nextMs, delta }: CheckWhy): string {
  const age = forMs === undefined ? "" : ` for ${seconds(forMs)}`;
  const parts = [
    `${type} ${target} is ${state}${hasRun ? age : ", not made yet"}${error === undefined ? "" : `: ${error}`}`,
    ...(delta === 0 ? [] : [`weight ${delta > 0 ? "+" : ""}${delta}`]),
    ...(everyMs === undefined ? [] : [`every ${seconds(everyMs)}`]),
    ...(nextMs === undefined ? [] : [nextMs === 0 ? "under way" : `next in ${seconds(nextMs)}`]),
  ];
  return parts.join("; ");
}

/** The same form as that of an instance (why-render.ts). */
function text(answer: string, blocks: readonly Block[]): string {
  const shown = blocks.filter(([, lines]) => lines.length > 0);
  const width = Math.max(...shown.map(([title]) => title.length)) + 2;
  const lines = shown.flatMap(([title, of]) => of.map((line, i) => `${(i === 0 ? title : "").padEnd(width)}${line}`));
  return [answer, ...lines].join("\n");
}
