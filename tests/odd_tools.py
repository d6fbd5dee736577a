"""An MCP server as others write them: names with dots, and results that aren't text."""

import json
import sys
from typing import Any

SCHEMA = {"type": "object", "properties": {"what": {"type": "string"}}}
TOOLS = [{"name": name, "inputSchema": SCHEMA} for name in ("docs.search", "docs_search", "1st")]
FOUND: dict[str, Any] = {
    "picture": {"content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}]},
    "file": {"content": [{"type": "resource", "resource": {"uri": "file:///a", "text": "Hello"}}]},
    "link": {"content": [{"type": "resource_link", "uri": "https://a.example/", "name": "A"}]},
    "number": {"content": [], "structuredContent": {"x": float("nan")}},
}


def reply_to(method: str, given: dict[str, Any]) -> dict[str, Any]:
    match method:
        case "initialize":
            about = {"name": "odd", "version": "1"}
            version = given["protocolVersion"]
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
        case "tools/list":
            return {"tools": TOOLS}
    what = given["arguments"].get("what")
    return FOUND.get(what) or {"content": [{"type": "text", "text": given["name"]}]}


if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" not in asked:
            continue
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
        if asked["method"] in ("initialize", "tools/list", "tools/call"):
            answer["result"] = reply_to(asked["method"], asked.get("params") or {})
        else:
            answer["error"] = {"code": -32601, "message": "unknown"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
