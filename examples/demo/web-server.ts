// A web server that says its own name. node web-server.js NAME [PORT]
import { createServer } from "node:http";

const [name = "web", port = "80"] = process.argv.slice(2);

const server = createServer((_request, response) => {
  response.end(`${name}\n`);
});
server.keepAliveTimeout = 60_000; // ms; a client that measures how long a connection lives must not be cut off by us
server.on("error", (error) => {
  console.error(`${name}: ${error.message}`);
  process.exitCode = 1;
});
server.listen({ port: Number(port), host: "::" });
