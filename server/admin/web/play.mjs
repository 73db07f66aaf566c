// server/admin/web/play.mjs: The play page: connects to the game, draws its room, and lets one walk and chat.
import { connect } from '/play/gangway.mjs';
import { EnterResult, schema } from '/play/game.gen.mjs';

const MAP_MAX = 1000; // the map reaches from -1000 to 1000
const SPEED = 400; // units per second
const MOVE_MS = 100; // between two Moves
const BALLOON_MS = 5000;
const LINE_COUNT_MAX = 200;
const RETRY_MS = 3000;

const element = Object.fromEntries(
  [...document.querySelectorAll('[id]')].map((found) => [found.id, found]));

let game = null; // the connection; null: there is none
let self = 0n; // the id of this player
let room = '';
let players = new Map(); // by id: name, position, the position shown and sent, what was said last
let goal = null; // the point to walk to
let sentAt = 0;
let retry = 0;
const keys = new Set();

// ---- the connection ----

// The address of the first WebSocket listener, seen from here.
async function addressOfGame() {
  const asked = new URLSearchParams(location.search).get('server');
  if (asked !== null) {
    return asked;
  }
  const answer = await fetch('/play/server');
  if (!answer.ok) {
    throw new Error((await answer.text()).trim());
  }
  const url = new URL((await answer.text()).trim());
  if (['0.0.0.0', '[::]', '*'].includes(url.hostname)) {
    url.hostname = location.hostname;
  }
  return url.href;
}

function show(status) {
  element.status.textContent = status;
}

function fail(problem) {
  element.problem.textContent = problem;
  element.join.hidden = false;
  element.world.hidden = true;
  element.name.focus();
}

const refusals = {
  [EnterResult.ROOM_FULL]: 'The room is full.',
  [EnterResult.BAD_ROOM_NAME]: 'A room has a name of 1 to 32 bytes.',
  [EnterResult.SERVER_BUSY]: 'The server has no space for another room.',
};

async function join() {
  clearTimeout(retry);
  element.problem.textContent = '';
  element.enter.disabled = true;
  const name = element.name.value.trim();
  room = element.room.value.trim();
  localStorage.setItem('name', name);
  try {
    show('connecting');
    const address = await addressOfGame();
    const connection = await connect(address, { schema, name, build: 'play' });
    game = connection;
    listen(connection);
    const entered = await connection.enter({ room });
    if (entered.result !== EnterResult.ENTERED_OK) {
      throw new Error(refusals[entered.result] ?? 'The server refused.');
    }
    self = connection.sessionId;
    players = new Map();
    entered.members.forEach(add);
    element.lines.replaceChildren();
    element.where.textContent = room;
    element.join.hidden = true;
    element.world.hidden = false;
    show(`connected to ${address}`);
    listMembers();
    resize();
    element.map.focus();
  } catch (error) {
    const connection = game;
    game = null;
    await connection?.close();
    show('not connected');
    fail(error.message);
  } finally {
    element.enter.disabled = false;
  }
}

function listen(connection) {
  connection.on('joined', ({ member }) => {
    add(member);
    listMembers();
    tell(`${member.name} comes in.`);
  });
  connection.on('gone', ({ player }) => {
    tell(`${nameOf(player)} is gone.`);
    players.delete(player);
    listMembers();
  });
  connection.on('snapshot', ({ positions }) => {
    for (const { player, x, y } of positions) {
      const moved = players.get(player);
      if (moved !== undefined && player !== self) {
        moved.x = x;
        moved.y = y;
      }
    }
  });
  connection.on('chatLine', ({ player, text }) => {
    const speaker = players.get(player);
    if (speaker !== undefined) {
      speaker.said = text;
      speaker.saidAt = performance.now();
    }
    tell(text, nameOf(player));
  });
  connection.on('goaway', ({ deadlineMs }) => {
    show(`the server ends in ${Math.ceil(deadlineMs / 1000)} s`);
  });
  connection.on('close', (info) => {
    if (game === connection) {
      game = null;
      reconnect(info);
    }
  });
}

// The page keeps what it shows until it is connected again.
function reconnect(info) {
  const why = info.text === '' ? info.name : `${info.name}: ${info.text}`;
  const waitMs = info.retryMs ?? RETRY_MS;
  if (element.world.hidden) {
    return;
  }
  show(`not connected (${why}); trying again in ${Math.ceil(waitMs / 1000)} s`);
  retry = setTimeout(join, waitMs);
}

async function leave() {
  const connection = game;
  game = null;
  clearTimeout(retry);
  show('not connected');
  fail('');
  await connection?.close();
}

// ---- the room ----

function add({ player, name, x, y }) {
  players.set(player, { name, x, y, shownX: x, shownY: y, sentX: x, sentY: y, said: '', saidAt: 0 });
}

function nameOf(player) {
  return players.get(player)?.name ?? 'somebody';
}

function listMembers() {
  element.count.textContent = players.size === 1 ? 'you alone' : `${players.size} players`;
  element.members.replaceChildren(...[...players].map(([player, { name }]) => {
    const item = document.createElement('li');
    item.textContent = player === self ? `${name} (you)` : name;
    return item;
  }));
}

function tell(text, name) {
  const { lines } = element;
  const item = document.createElement('li');
  const follows = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  if (name !== undefined) {
    const speaker = document.createElement('b');
    speaker.textContent = `${name}: `;
    item.append(speaker);
  }
  item.append(text);
  lines.append(item);
  while (lines.childElementCount > LINE_COUNT_MAX) {
    lines.firstElementChild.remove();
  }
  if (follows) {
    lines.scrollTop = lines.scrollHeight;
  }
}

function say(event) {
  event.preventDefault();
  const { text } = element;
  try {
    game?.chat({ text: text.value });
    text.value = '';
  } catch (error) {
    tell(error.retryMs === undefined ? error.message : 'You talk too fast.');
  }
}

// ---- walking ----

const directions = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  KeyA: [-1, 0], KeyD: [1, 0], KeyW: [0, -1], KeyS: [0, 1],
};

const clamp = (value) => Math.max(-MAP_MAX, Math.min(MAP_MAX, value));

// Moves this player for the time since the last frame, and sends Move at most ten times a second.
function walk(me, now, passedMs) {
  let [x, y] = [0, 0];
  for (const key of keys) {
    x += directions[key][0];
    y += directions[key][1];
  }
  const step = (SPEED * passedMs) / 1000;
  if (x !== 0 || y !== 0) {
    goal = null;
    const length = Math.hypot(x, y);
    me.x = clamp(me.x + (x / length) * step);
    me.y = clamp(me.y + (y / length) * step);
  } else if (goal !== null) {
    const length = Math.hypot(goal.x - me.x, goal.y - me.y);
    const part = Math.min(1, step / Math.max(length, 1));
    me.x += (goal.x - me.x) * part;
    me.y += (goal.y - me.y) * part;
    goal = part === 1 ? null : goal;
  }
  const [wholeX, wholeY] = [Math.round(me.x), Math.round(me.y)];
  const isNew = wholeX !== me.sentX || wholeY !== me.sentY;
  if (isNew && now - sentAt >= MOVE_MS && game !== null) {
    try {
      game.move({ x: wholeX, y: wholeY });
      [me.sentX, me.sentY] = [wholeX, wholeY];
      sentAt = now;
    } catch (error) {
      sentAt = now + (error.retryMs ?? RETRY_MS);
    }
  }
}

function pointAt(event) {
  const box = element.map.getBoundingClientRect();
  const { scale, left, top } = frame();
  return {
    x: clamp((event.clientX - box.left - left) / scale - MAP_MAX),
    y: clamp((event.clientY - box.top - top) / scale - MAP_MAX),
  };
}

// ---- drawing ----

// The square of the map inside the canvas, in CSS pixels.
function frame() {
  const { clientWidth, clientHeight } = element.map;
  const side = Math.min(clientWidth, clientHeight) - 24;
  return {
    scale: side / (2 * MAP_MAX),
    left: (clientWidth - side) / 2,
    top: (clientHeight - side) / 2,
    side,
  };
}

function resize() {
  const { map } = element;
  map.width = Math.round(map.clientWidth * devicePixelRatio);
  map.height = Math.round(map.clientHeight * devicePixelRatio);
}

function colorOf(name) {
  let hash = 0;
  for (const letter of name) {
    hash = (hash * 31 + letter.codePointAt(0)) % 360;
  }
  return `hsl(${hash} 65% 50%)`;
}

function drawGrid(pen, { left, top, side }, color) {
  pen.strokeStyle = color;
  pen.lineWidth = 1;
  for (let i = 0; i <= 10; i++) {
    const at = (side * i) / 10;
    pen.globalAlpha = i % 10 === 0 ? 1 : 0.35;
    pen.beginPath();
    pen.moveTo(left + at, top);
    pen.lineTo(left + at, top + side);
    pen.moveTo(left, top + at);
    pen.lineTo(left + side, top + at);
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

function drawBalloon(pen, text, x, y, style) {
  const shown = text.length > 40 ? `${text.slice(0, 39)}…` : text;
  const width = pen.measureText(shown).width + 16;
  const left = Math.max(4, Math.min(x - width / 2, element.map.clientWidth - width - 4));
  pen.fillStyle = style.getPropertyValue('--text');
  pen.beginPath();
  pen.roundRect(left, y - 24, width, 24, 8);
  pen.fill();
  pen.fillStyle = style.getPropertyValue('--back');
  pen.fillText(shown, left + width / 2, y - 12);
}

function draw(now, passedMs) {
  const style = getComputedStyle(document.documentElement);
  const pen = element.map.getContext('2d');
  const box = frame();
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  pen.clearRect(0, 0, element.map.clientWidth, element.map.clientHeight);
  drawGrid(pen, box, style.getPropertyValue('--line'));
  pen.font = '13px system-ui, sans-serif';
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  const follow = 1 - Math.exp(-passedMs / 60);
  for (const [player, one] of players) {
    one.shownX += (one.x - one.shownX) * (player === self ? 1 : follow);
    one.shownY += (one.y - one.shownY) * (player === self ? 1 : follow);
    const x = box.left + (one.shownX + MAP_MAX) * box.scale;
    const y = box.top + (one.shownY + MAP_MAX) * box.scale;
    const radius = player === self ? 9 : 7;
    pen.fillStyle = colorOf(one.name);
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
    if (player === self) {
      pen.strokeStyle = style.getPropertyValue('--text');
      pen.lineWidth = 2;
      pen.stroke();
    }
    pen.fillStyle = style.getPropertyValue('--soft');
    pen.fillText(one.name, x, y + radius + 10);
    if (one.said !== '' && now - one.saidAt < BALLOON_MS) {
      drawBalloon(pen, one.said, x, y - radius - 6, style);
    }
  }
}

let last = performance.now();
function onFrame(now) {
  const passedMs = Math.min(now - last, 100);
  last = now;
  if (!element.world.hidden) {
    const me = players.get(self);
    if (me !== undefined) {
      walk(me, now, passedMs);
    }
    draw(now, passedMs);
  }
  requestAnimationFrame(onFrame);
}

// ---- input ----

element.join.addEventListener('submit', (event) => {
  event.preventDefault();
  join();
});
element.chat.addEventListener('submit', say);
element.leave.addEventListener('click', leave);
element.map.addEventListener('keydown', (event) => {
  if (event.code in directions && !event.ctrlKey && !event.metaKey && !event.altKey) {
    keys.add(event.code);
    event.preventDefault();
  } else if (event.code === 'Enter') {
    element.text.focus();
    event.preventDefault();
  }
});
addEventListener('keyup', (event) => keys.delete(event.code));
addEventListener('blur', () => keys.clear());
element.map.addEventListener('pointerdown', (event) => {
  element.map.focus();
  element.map.setPointerCapture(event.pointerId);
  goal = pointAt(event);
});
element.map.addEventListener('pointermove', (event) => {
  if (event.buttons !== 0) {
    goal = pointAt(event);
  }
});
element.text.addEventListener('keydown', (event) => {
  if (event.code === 'Escape') {
    element.map.focus();
  }
});
new ResizeObserver(resize).observe(element.map);

element.name.value = localStorage.getItem('name') ?? `guest ${Math.floor(Math.random() * 9000) + 1000}`;
requestAnimationFrame(onFrame);
