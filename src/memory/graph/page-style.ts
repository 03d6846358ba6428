// The style sheet of the page that draws a graph. For graph-html.ts.

/** CSS of the page; colours of nodes and edges are read from it by the script. */
export const pageStyle = `
:root{--bg:#fbfbf9;--card:#fffffff2;--line:#e2e1dc;--text:#23241f;--dim:#73746c;--message:#3f6fb5;--assistant:#8aa9d6;--entity:#d0752c;
--topic:#6d9b3a;--mentions:#a5a296;--repliesTo:#3f6fb5;--follows:#aab3c4;--similarTo:#8d7bc0;--updates:#c2332f;--contradicts:#d99a00;
--about:#9dbb78;--halo:#fbfbf9;color-scheme:light}
@media (prefers-color-scheme:dark){:root:not(.light){--bg:#16181c;--card:#1f2228f2;--line:#343841;--text:#e6e6e1;--dim:#9a9ca3;
--message:#6ea0ea;--assistant:#47618c;--entity:#eb9550;--topic:#98c564;--mentions:#73757a;--repliesTo:#6ea0ea;--follows:#566075;
--similarTo:#a394dd;--updates:#f0625d;--contradicts:#e9b93c;--about:#587040;--halo:#16181c;color-scheme:dark}}
:root.dark{--bg:#16181c;--card:#1f2228f2;--line:#343841;--text:#e6e6e1;--dim:#9a9ca3;--message:#6ea0ea;--assistant:#47618c;
--entity:#eb9550;--topic:#98c564;--mentions:#73757a;--repliesTo:#6ea0ea;--follows:#566075;--similarTo:#a394dd;--updates:#f0625d;
--contradicts:#e9b93c;--about:#587040;--halo:#16181c;color-scheme:dark}
*{box-sizing:border-box}
html,body{margin:0;height:100%;overflow:hidden;background:var(--bg);color:var(--text);font:14px/1.45 system-ui,sans-serif}
canvas{position:fixed;inset:0;width:100%;height:100%;cursor:grab;outline:none;touch-action:none}
canvas.held{cursor:grabbing}
#panel,#detail{position:fixed;top:16px;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;
box-shadow:0 4px 18px #0000001a;max-height:calc(100vh - 32px);overflow:auto}
#panel{left:16px;width:236px}
#detail{right:16px;width:300px;overflow-wrap:anywhere}
header{display:flex;align-items:flex-start;justify-content:space-between;gap:8px}
h1{font-size:16px;line-height:1.3;margin:0;overflow-wrap:anywhere}
h2{font-size:11px;letter-spacing:.06em;text-transform:uppercase;color:var(--dim);margin:14px 0 5px}
p{margin:3px 0;color:var(--dim);font-size:12.5px}
#detail p.text{color:var(--text);font-size:14px;margin:6px 0}
button{border:1px solid var(--line);border-radius:6px;background:none;color:inherit;cursor:pointer;font-size:14px;padding:0 7px;line-height:22px}
input[type=search]{width:100%;margin-top:8px;padding:6px 9px;border:1px solid var(--line);border-radius:6px;background:var(--bg);color:inherit;font:inherit}
label{display:flex;align-items:center;gap:7px;padding:2px 0;cursor:pointer}
label span.n{margin-left:auto;color:var(--dim);font-variant-numeric:tabular-nums}
label input{margin:0;accent-color:var(--message)}
i.dot{width:10px;height:10px;border-radius:50%;flex:none}
i.bar{width:16px;height:3px;border-radius:2px;flex:none}
ul{list-style:none;margin:4px 0 0;padding:0}
li{padding:3px 0;border-top:1px solid var(--line);font-size:13px;cursor:pointer}
li small{color:var(--dim)}
.hint{margin-top:12px;font-size:11.5px}
@media (max-width:640px){#panel{width:190px;padding:10px}#detail{top:auto;bottom:16px;left:16px;right:16px;width:auto;max-height:34vh}.hint{display:none}}
`;
