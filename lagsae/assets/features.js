'use strict'
// Text reaches the page through `textContent` and text nodes only.
const $ = id => document.getElementById(id)
const SVG = 'http://www.w3.org/2000/svg'
const make = (tag, cls = '', ...kids) => {
  const e = document.createElement(tag)
  if (cls) e.className = cls
  e.append(...kids)
  return e
}
const drawn = (tag, attributes, ...kids) => {
  const e = document.createElementNS(SVG, tag)
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
  e.append(...kids)
  return e
}
const short = v => v === 0 ? '0' : Math.abs(v) < 1000 && Math.abs(v) >= 1e-4 ? v.toPrecision(3) : String(Number(v.toPrecision(3)))
const signed = v => (v > 0 ? '+' : '') + short(v)
const percent = v => v ? `${Number((100*v).toPrecision(2))}%` : '0'
const spaced = t => t.replace(/^ +| +$/g, s => '␣'.repeat(s.length))
const clamp = (v, low, high) => Math.min(high, Math.max(low, v))

// ---------------------------------------------------------------- data
// Each block is one array or one JSON value: compressed (deflate), then base64.
const TYPES = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, f2: Uint16Array, u4: Uint32Array, i4: Int32Array, f4: Float32Array }
const blocks = {}
for (const b of document.querySelectorAll('script[data-name]')) blocks[b.dataset.name] = b
const D = {}

async function load(names) {
  await Promise.all(names.map(async name => {
    const b = blocks[name], text = atob(b.textContent), bytes = new Uint8Array(text.length)
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
    b.remove()
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))
    const type = b.dataset.type, whole = new Response(stream)
    D[name] = type === 'json' ? await whole.json() : new TYPES[type](await whole.arrayBuffer())
  }))
}

const half = h => { // the number that the 16 bits of a float16 stand for
  const e = h >> 10 & 31, m = h & 1023, v = e ? 2**(e - 25)*(1024 + m) : 2**-24*m
  return h & 32768 ? -v : v
}

// ---------------------------------------------------------------- state
const state = { query: '', scope: 'any', sort: 'number', sortBefore: 'number', down: false, alive: 'alive', low: 0, high: 60 }
const remembered = (() => { try { return JSON.parse(localStorage.getItem('lagsae')) || {} } catch { return {} } })()
const remember = change => { Object.assign(remembered, change); try { localStorage.setItem('lagsae', JSON.stringify(remembered)) } catch {} }
let order = [], rank = new Map() // features in the list, and the index of each in it
let score = null, matched = null   // of the current search: by feature, and by token
let chosen = null, N = 0, all = false // open feature, number of features, whether all data are decoded

const SCOPES = { any: 'anywhere', fires: 'fires on', promotes: 'promotes', suppresses: 'suppresses', contexts: 'in the texts' }
const SORTS = { match: 'best match', number: 'number', density: 'density', peak: 'peak', cosine: 'cosine', ce_effect: 'CE effect' }
const NAMES = { ...SORTS, promotes: 'promotes', similar: 'similar', coactive: 'fires with' } // of the help
const FIGURES = {
  density: 'Fraction of the tokens on which the feature fires.',
  peak: 'Its largest activation.',
  cosine: 'Cosine similarity of its encoder row and its decoder row.',
  ce_effect: 'Estimated rise of the cross-entropy without the feature, in nats per token: activation times gradient on some of the ' +
    'samples. Accurate for small effects, noisy for rare features. If it is negative, the model predicts better without the feature.',
  promotes: 'Tokens whose logits the feature raises most (suppresses: lowers most), per unit of activation, relative to the mean logit. ' +
    'Only the direct effect: the decoder row passes the final norm and the unembedding, but no other layer.',
  similar: 'Features with the largest cosine similarity of decoder rows.',
  coactive: 'Features that fire on the largest fraction of the tokens on which this feature fires.',
}
const ALIVE = { alive: 'alive', dead: 'dead', all: 'all' }
const step = d => clamp(Math.round(60*(1 + Math.log10(d)/D.meta.decades)), 0, 60) // of the density slider, which is logarithmic
const density = s => 10**(D.meta.decades*(s/60 - 1))
const text = t => D.texts[t]
const topText = f => D.strongest[f] < 0 ? '' : spaced(text(D.strongest[f]))

// ---------------------------------------------------------------- search
const utf8 = new TextEncoder()
const spelled = c => Array.from(utf8.encode(c), b => `⟨${b.toString(16).padStart(2, '0')}⟩`).join('')
const plain = t => t.toLowerCase().replace(/⟨[0-9a-f]{2}⟩|[^\x00-\x7f]/gu, c => c[3] === '⟩' ? c : spelled(c)) // in bytes, since tokens may split characters

const wholeCharacters = texts => { // a character that is split over tokens moves to the last of them; a dot stands at those before it
  if (!texts.some(t => /⟨[0-9A-F]{2}⟩/.test(t))) return texts
  const decoder = new TextDecoder()
  return texts.map(t => {
    const parts = t.split(/(⟨[0-9A-F]{2}⟩)/).map((p, i) => i % 2 ? [parseInt(p.slice(1, 3), 16)] : [...utf8.encode(p)])
    return decoder.decode(new Uint8Array(parts.flat()), { stream: true }) || '·'
  })
}

const corpus = () => { // all tokens as one lower-case string, and where each of them ends in it
  if (corpus.made) return corpus.made
  const lower = D.texts.map(plain), ends = new Uint32Array(D.tokens.length), parts = []
  for (let i = 0, n = 0; i < D.tokens.length; i++) {
    if (i && i % D.meta.width === 0) { parts.push('\0'); n++ }
    const t = lower[D.tokens[i]]
    parts.push(t); n += t.length; ends[i] = n
  }
  return corpus.made = { string: parts.join(''), ends, lower }
}

function hits(query) { // which tokens overlap with an occurrence, and how many such tokens come before each token
  const { string, ends } = corpus(), on = new Uint8Array(ends.length), before = new Uint32Array(ends.length + 1)
  for (let at = string.indexOf(query), i = 0; at >= 0; at = string.indexOf(query, at + 1)) {
    while (ends[i] <= at) i++
    for (let j = i; j < ends.length; j++) { on[j] = 1; if (ends[j] >= at + query.length) break }
  }
  for (let i = 0; i < on.length; i++) before[i + 1] = before[i] + on[i]
  return { on, before }
}

const span = (at, before, after) => { // first and last token of a context, within its sample
  const low = at - at % D.meta.width
  return [Math.max(low, at - before), Math.min(low + D.meta.width, at + after + 1)]
}
const SHORT = [24, 12] // tokens before and after an example, unless longer texts are asked for

function listed(token, f, which) { // 1 if the first of a feature's listed tokens contains the query, less for a later one, 0 for none
  for (let j = 0; j < D.meta.n_logits; j++) if (which[token[f*D.meta.n_logits + j]]) return 1 - j/D.meta.n_logits
  return 0
}

function search(query, scope) {
  const q = plain(query), number = /^\s*#?(\d+)\s*$/.exec(q), out = new Float32Array(N)
  matched = hits(q)
  const has = corpus().lower.map(t => t.includes(q)), any = scope === 'any'
  for (let f = 0; f < N; f++) {
    const [a, b] = [D.ex_start[f], D.ex_start[f + 1]]
    let fires = 0, near = 0
    for (let e = a; e < b; e++) {
      fires += matched.on[D.ex_at[e]]
      const [low, high] = span(D.ex_at[e], ...SHORT)
      near += matched.before[high] > matched.before[low]
    }
    const n = Math.max(1, b - a), up = D.up_token ? listed(D.up_token, f, has) : 0
    // tokens on which it fires count most, then what it promotes, then what is near
    if (any) out[f] = 4*fires/n + up + .25*near/n
    else if (scope === 'fires') out[f] = fires/n
    else if (scope === 'contexts') out[f] = near/n
    else if (D.up_token) out[f] = scope === 'promotes' ? up : listed(D.down_token, f, has)
  }
  if (any && number && Number(number[1]) < N) out[Number(number[1])] = 100
  return out
}

const matchText = f => {
  if (state.scope !== 'any') return percent(score[f])
  if (score[f] >= 100) return 'number'
  return score[f] > 1.25 ? percent(Math.min(1, score[f]/4)) : score[f] > .25 ? 'promotes' : 'context'
}

// ---------------------------------------------------------------- list
function arrange() {
  const q = state.query.trim() ? state.query : ''
  score = q && all ? search(q, state.scope) : null
  if (!score) matched = null
  const wide = state.low === 0 && state.high === 60, keep = []
  for (let f = 0; f < N; f++) {
    const d = D.density[f], s = d && step(d)
    if (score && !score[f]) continue
    if (!(score && score[f] >= 100) && (state.alive === 'alive' && !d || state.alive === 'dead' && d)) continue
    if (!wide && !(d && s >= state.low && s <= state.high)) continue
    keep.push(f)
  }
  const key = state.sort === 'match' ? score && (f => -score[f]) : state.sort !== 'number' && (f => D[state.sort][f])
  if (key) keep.sort((a, b) => key(a) - key(b) || a - b)
  if (state.down) keep.reverse()
  order = keep; rank = new Map(keep.map((f, i) => [f, i]))
  $('count').textContent = `${order.length.toLocaleString('en')} of ${N.toLocaleString('en')} features`
  $('rows').style.height = `${Math.max(1, order.length)*32}px`
  $('list').scrollTop = 0
  shade(); reveal(); rows()
  if (chosen !== null && q !== drawnWith) feature(chosen)
}

function row(f, i) {
  const e = make('a', D.density[f] ? 'row' : 'row dead')
  e.href = `#${f}`; e.id = `row-${f}`; e.style.top = `${i*32}px`; e.tabIndex = -1
  e.setAttribute('role', 'option'); e.setAttribute('aria-selected', f === chosen)
  e.setAttribute('aria-setsize', order.length); e.setAttribute('aria-posinset', i + 1)
  const s = state.sort
  const said = s === 'match' && score ? matchText(f) : ['peak', 'cosine', 'ce_effect'].includes(s) ? short(D[s][f]) : percent(D.density[f])
  e.append(make('span', 'id', String(f)), make('span', 'mono', topText(f) || (D.density[f] ? '' : 'never fires')),
    make('span', 'num', said), meter(D.density[f] ? step(D.density[f])/60 : 0))
  return e
}

const meter = share => {
  const fill = make('i')
  fill.style.setProperty('--share', clamp(share, 0, 1).toFixed(3))
  return make('span', 'meter', fill)
}

function rows() {
  const box = $('list'), first = Math.max(0, Math.floor(box.scrollTop/32) - 6)
  const last = Math.min(order.length, Math.ceil((box.scrollTop + box.clientHeight)/32) + 6)
  $('rows').replaceChildren(...order.slice(first, last).map((f, i) => row(f, first + i)))
  if (chosen !== null) box.setAttribute('aria-activedescendant', `row-${chosen}`)
}

function reveal() { // scroll the list so that the chosen feature can be seen
  const i = rank.get(chosen), box = $('list')
  if (i === undefined) return
  if (i*32 < box.scrollTop) box.scrollTop = i*32 - 32
  else if (i*32 + 32 > box.scrollTop + box.clientHeight) box.scrollTop = i*32 + 64 - box.clientHeight
}

function shade() { // the histogram of densities, with the chosen range
  const counts = new Uint32Array(61)
  for (const d of D.density) if (d) counts[step(d)]++
  const most = Math.sqrt(Math.max(1, ...counts)), bars = []
  counts.forEach((c, s) => {
    const h = 34*Math.sqrt(c)/most, out = s < state.low || s > state.high
    bars.push(drawn('rect', { x: s, y: 34 - h, width: .8, height: h, class: out ? 'out' : '' }))
  })
  const svg = $('densities')
  svg.setAttribute('viewBox', '0 0 61 34'); svg.setAttribute('preserveAspectRatio', 'none')
  svg.replaceChildren(...bars)
  const wide = state.low === 0 && state.high === 60
  $('range-text').textContent = wide ? 'any density' : `${percent(density(state.low))} to ${percent(density(state.high))}`
}

// ---------------------------------------------------------------- one feature
let drawnWith = ''
const fact = (name, value) => make('div', '', make('span', 'quiet', name), value)
const panel = (title, unit, help, cls, ...kids) => {
  const head = make('h2', '', title, ' ', make('span', 'quiet', unit))
  if (help) head.dataset.tip = help
  return make('section', `panel ${cls}`, head, ...kids)
}

function histogram(f) {
  const n = D.meta.n_bins, counts = D.histogram.subarray(f*n, f*n + n), most = Math.sqrt(Math.max(...counts)), svg = drawn('svg',
    { class: 'picture', viewBox: `0 0 ${n} 84`, preserveAspectRatio: 'none', role: 'img', 'aria-label': 'Histogram of activations' })
  counts.forEach((c, i) => {
    const h = c ? Math.max(1.5, 82*Math.sqrt(c)/most) : 0, edge = j => short(D.peak[f]*j/n)
    const hit = drawn('rect', { x: i, y: 0, width: 1, height: 84, class: 'hit' })
    hit.dataset.tip = `activation ${edge(i)} to ${edge(i + 1)}: ${c.toLocaleString('en')} tokens`
    svg.append(drawn('rect', { x: i + .08, y: 84 - h, width: .84, height: h }), hit)
  })
  const axis = make('div', 'axis quiet', make('span', '', '0'), make('span', '', 'height: √count'), make('span', '', short(D.peak[f])))
  return panel('Activations', '', '', '', svg, axis)
}

function effects(title, cls, token, value, f) {
  const n = D.meta.n_logits, most = Math.abs(half(value[f*n])) || 1, lines = []
  for (let j = f*n; j < f*n + n; j++) {
    const v = half(value[j]), name = make('span', 'name mono', spaced(text(token[j])))
    lines.push(make('div', 'pair', name, meter(Math.abs(v)/most), make('span', 'num', (v > 0 ? '+' : '') + v.toFixed(2))))
  }
  return panel(title, 'logits', `${FIGURES.promotes} Activations reach the logits through ${D.meta.route}.`, cls, ...lines)
}

function others(title, unit, help, id, value, f, show) {
  const n = D.meta.n_near, lines = []
  for (let j = f*n; j < f*n + n; j++) {
    const v = half(value[j])
    if (v <= 0) continue
    const name = make('span', 'name mono', make('span', 'id', String(id[j])), ' ', topText(id[j]))
    const link = make('a', 'pair', name, meter(v), make('span', 'num', show(v)))
    link.href = `#${id[j]}`
    lines.push(link)
  }
  return panel(title, unit, help, '', ...(lines.length ? lines : [make('span', 'quiet', 'none')]))
}

function context(e, f, long) {
  const at = D.ex_at[e], reach = long ? [D.meta.reach, D.meta.reach - 1] : SHORT, [low, high] = span(at, ...reach)
  const values = new Map()
  for (let j = D.act_start[e]; j < D.act_start[e + 1]; j++) values.set(at + D.act_offset[j], half(D.act_value[j]))
  const code = make('code'), texts = wholeCharacters(Array.from(D.tokens.subarray(low, high), text))
  for (let i = low; i < high; i++) {
    let t = texts[i - low]
    const v = values.get(i)
    if (remembered.lines) t = t.replaceAll('⏎', '⏎\n')
    const special = D.meta.special.includes(D.tokens[i])
    if (!v && !special && !(matched && matched.on[i])) { code.append(t); continue }
    const s = make('span', special ? 'quiet' : '', t), a = v ? Math.min(1, Math.abs(v)/D.peak[f]) : 0
    if (v) {
      s.className = a > .55 ? 't strong' : 't'
      s.style.setProperty('--a', a.toFixed(3))
      s.dataset.tip = `${spaced(text(D.tokens[i]))}  activation ${short(v)}`
    }
    if (i === at) s.classList.add('peak')
    if (matched && matched.on[i]) s.classList.add('match')
    code.append(s)
  }
  const button = make('button', '', short(values.get(at)))
  button.type = 'button'; button.title = long ? 'Show less of this text' : 'Show more of this text'
  button.setAttribute('aria-expanded', long)
  const line = make('div', 'ctx', button, code)
  button.onclick = () => { const next = context(e, f, !long); line.replaceWith(next); next.firstChild.focus() }
  return line
}

function contexts(f) {
  const box = make('div')
  let group = -1
  for (let e = D.ex_start[f]; e < D.ex_start[f + 1]; e++) {
    if (D.ex_group[e] !== group) box.append(make('h2', 'group', D.meta.groups[group = D.ex_group[e]]))
    box.append(context(e, f, remembered.long))
  }
  return box
}

function toggle(name, label, title, f) {
  const b = make('button', '', label)
  b.type = 'button'; b.title = title; b.setAttribute('aria-pressed', !!remembered[name])
  b.onclick = () => { remember({ [name]: !remembered[name] }); feature(f) }
  return b
}

function stepButton(sign, label, title) {
  const b = make('button', '', label)
  b.type = 'button'; b.title = title; b.onclick = () => move(sign)
  const i = rank.get(chosen)
  b.disabled = i === undefined ? !order.length : order[i + sign] === undefined
  return b
}

function feature(f) {
  drawnWith = state.query.trim() ? state.query : ''
  const d = D.density[f], back = make('a', 'back', '‹ all features')
  back.href = '#'
  const head = make('div', 'head', back, make('h1', '', `Feature ${f}`), stepButton(-1, '‹', 'Previous feature in the list (k)'),
    stepButton(1, '›', 'Next feature in the list (j)'))
  const facts = make('div', 'facts', fact('fires on', `${percent(d)} of tokens`), fact('largest activation', short(D.peak[f])),
    fact('cosine of encoder and decoder', D.cosine[f].toFixed(3)))
  if (d) {
    const effect = fact('CE effect', `${signed(D.ce_effect[f])} nats per token`)
    effect.dataset.tip = FIGURES.ce_effect
    facts.append(effect)
    facts.children[0].append(` (1 in ${Math.round(1/d).toLocaleString('en')})`)
  }
  const parts = [head, facts]
  if (!all) parts.push(make('p', 'quiet', 'Reading …'))
  else {
    const panels = make('div', 'panels')
    if (d) panels.append(histogram(f))
    if (D.up_token) panels.append(effects('Promotes', 'up', D.up_token, D.up_value, f), effects('Suppresses', 'down', D.down_token, D.down_value, f))
    panels.append(others('Similar', 'cosine', FIGURES.similar, D.near_id, D.near_value, f, v => v.toFixed(2)))
    if (d) panels.append(others('Fires with', '% of its tokens', FIGURES.coactive, D.coactive_id, D.coactive_value, f, percent))
    parts.push(panels)
    if (d) parts.push(make('div', 'bar', make('h2', '', 'Texts on which it fires'), toggle('long', 'longer texts', 'Show more of every text (e)', f),
      toggle('lines', 'line breaks', 'Show line breaks of the text (l)', f)), contexts(f))
    else parts.push(make('p', '', 'This feature fires on none of the analysed tokens.'))
  }
  const same = Number($('main').dataset.feature) === f
  $('main').replaceChildren(...parts)
  $('main').dataset.feature = f
  if (!same) $('main').scrollTop = 0
  document.title = `${f} ${topText(f)} · ${D.meta.title}`
}

// ---------------------------------------------------------------- overview
const page = hook => { // a link to another page of the same run, in the same folder
  const link = make('a', '', hook)
  link.href = `${encodeURIComponent(hook)}.html`
  return link
}

function overview(note) {
  const about = make('dl', 'about')
  for (const [name, value] of D.meta.about) about.append(make('dt', '', name), make('dd', '', value))
  const plot = make('canvas', 'scatter')
  plot.setAttribute('aria-label', 'A point for each feature: density and cosine of encoder and decoder')
  if (D.meta.other_hooks.length) about.append(make('dt', '', 'other hooks'), make('dd', '', ...D.meta.other_hooks.map(page)))
  const back = make('a', 'back', '‹ all features')
  back.href = '#'
  $('main').replaceChildren(back, ...(note ? [make('p', '', note)] : []), make('h1', '', D.meta.title), about,
    make('h2', '', 'All features, by density (fraction of tokens) and cosine of encoder and decoder; click a point to open it'), plot)
  delete $('main').dataset.feature
  document.title = D.meta.title
  scatter(plot)
}

function scatter(plot) {
  const width = plot.clientWidth, height = plot.clientHeight, scale = devicePixelRatio || 1
  if (!width) return
  plot.width = width*scale; plot.height = height*scale
  const g = plot.getContext('2d'), style = getComputedStyle(plot), ink = getComputedStyle(document.body).color, [l, t, r, b] = [44, 8, 10, 30]
  const least = Math.min(.9, Math.floor(10*D.cosine.reduce((a, c) => Math.min(a, c), 1))/10), X = d => l + (width - l - r)*(1 + Math.log10(d)/D.meta.decades)
  const Y = c => t + (height - t - b)*(1 - (c - least)/(1 - least))
  g.scale(scale, scale); g.font = '11px system-ui, sans-serif'; g.fillStyle = ink; g.strokeStyle = ink
  g.globalAlpha = .65; g.textAlign = 'center'
  for (let e = -D.meta.decades; e <= 0; e++) g.fillText(percent(10**e), clamp(X(10**e), l, width - 20), height - b + 14)
  g.fillText('density', l + (width - l - r)/2, height - 3)
  g.textAlign = 'right'
  for (let c = least; c <= 1.001; c += (1 - least)/4) {
    g.globalAlpha = .65; g.fillText(c.toFixed(2), l - 6, Y(c) + 4)
    g.globalAlpha = .12; g.beginPath(); g.moveTo(l, Y(c)); g.lineTo(width - r, Y(c)); g.stroke()
  }
  g.globalAlpha = .45; g.fillStyle = style.color
  D.cosine.forEach((c, f) => { if (D.density[f]) { g.beginPath(); g.arc(X(D.density[f]), Y(c), 2.2, 0, 7); g.fill() } })
  const nearest = event => {
    let best = null, least = 144
    D.cosine.forEach((c, f) => {
      const d = D.density[f] ? (X(D.density[f]) - event.offsetX)**2 + (Y(c) - event.offsetY)**2 : 1e9
      if (d < least) [best, least] = [f, d]
    })
    return best
  }
  plot.onclick = event => { const f = nearest(event); if (f !== null) go(f) }
  plot.onpointermove = event => {
    const f = nearest(event)
    if (f === null) delete plot.dataset.tip
    else plot.dataset.tip = `${f}  ${topText(f)}`
    tip(event)
  }
}

// ---------------------------------------------------------------- navigation
function route() {
  const h = location.hash.slice(1), f = /^\d+$/.test(h) ? Number(h) : null, there = f !== null && f < N
  chosen = there ? f : null
  document.body.classList.toggle('feature', h !== '')
  if (there) feature(f)
  else if (h && h !== 'about') overview(`There is no feature ${h}; features are numbered 0 to ${N - 1}.`)
  else overview(D.density.some(d => d) ? '' : 'No feature fires on any of the analysed tokens.')
  reveal(); rows(); $('tip').hidden = true
}
function go(f, replace) {
  if (replace) history.replaceState(null, '', `#${f}`)
  else history.pushState(null, '', `#${f}`)
  route()
}
function move(sign) {
  if (!order.length) return
  const i = rank.get(chosen), next = i === undefined ? (sign > 0 ? 0 : order.length - 1) : clamp(i + sign, 0, order.length - 1)
  if (order[next] !== chosen) go(order[next], chosen !== null)
}

const KEYS = {
  j: ['next feature', () => move(1)], k: ['previous feature', () => move(-1)],
  ArrowDown: ['', () => move(1)], ArrowUp: ['', () => move(-1)],
  '/': ['search', () => { if (matchMedia('(max-width: 800px)').matches && chosen !== null) go(''); $('query').focus(); $('query').select() }],
  Enter: ['open the first feature in the list', () => order.length && chosen === null && go(order[0])],
  Escape: ['clear the search; go back to the overview', () => chosen !== null && go('')],
  r: ['a random feature', () => order.length && go(order[Math.floor(Math.random()*order.length)])],
  e: ['longer or shorter texts', () => { remember({ long: !remembered.long }); if (chosen !== null) feature(chosen) }],
  l: ['show or hide line breaks', () => { remember({ lines: !remembered.lines }); if (chosen !== null) feature(chosen) }],
  t: ['light or dark colors', () => theme(!dark())],
  '?': ['this help', () => $('help').showModal()],
}

function pressed(event) {
  const typing = event.target === $('query')
  if (event.ctrlKey || event.metaKey || event.altKey || $('help').open) return
  if (typing) {
    if (event.key === 'Escape') { if (state.query) { $('query').value = ''; asked() } else $('query').blur() }
    else if (event.key === 'Enter') { asked(); $('query').blur(); if (order.length) go(order[0]) }
    else if (event.key === 'ArrowDown') { $('query').blur(); move(1) }
    else return
    return event.preventDefault()
  }
  if (event.target.matches('select, input') || event.key === 'Enter' && event.target.matches('a, button')) return
  const key = KEYS[event.key]
  if (key) { event.preventDefault(); key[1]() }
}

function help() {
  const list = make('dl')
  const names = { j: ['j', '↓'], k: ['k', '↑'], Escape: ['Esc'] }
  for (const [key, [what]] of Object.entries(KEYS)) {
    if (what) list.append(make('dt', '', ...(names[key] || [key]).flatMap(k => [make('kbd', '', k), ' '])), make('dd', '', what))
  }
  const close = make('button', '', 'close')
  close.onclick = () => $('help').close()
  const figures = make('dl')
  for (const [key, what] of Object.entries(FIGURES)) figures.append(make('dt', '', NAMES[key]), make('dd', '', what))
  $('help').replaceChildren(make('h2', '', 'Keys'), list, make('h2', '', 'Numbers'), figures, make('p', '', close))
  $('help').onclick = event => { if (event.target === $('help')) $('help').close() }
}

// ---------------------------------------------------------------- controls
const dark = () => {
  const set = document.documentElement.style.colorScheme
  return set ? set === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
}
function theme(want) {
  document.documentElement.style.colorScheme = want ? 'dark' : 'light'
  remember({ theme: want ? 'dark' : 'light' })
  redraw()
}
const redraw = () => { const plot = document.querySelector('.scatter'); if (plot) scatter(plot) }

function tip(event) {
  const from = event.target.closest && event.target.closest('[data-tip]'), box = $('tip')
  box.hidden = !from
  if (!from) return
  box.textContent = from.dataset.tip
  box.style.left = `${clamp(event.clientX + 12, 4, innerWidth - box.offsetWidth - 8)}px`
  box.style.top = `${event.clientY + 20 + box.offsetHeight > innerHeight ? event.clientY - box.offsetHeight - 10 : event.clientY + 18}px`
}

function asked() {
  const was = state.query.trim(), now = $('query').value
  state.query = now
  if (!was && now.trim()) { state.sortBefore = state.sort; state.sort = 'match'; state.down = false }
  if (was && !now.trim() && state.sort === 'match') state.sort = state.sortBefore
  controls(); arrange()
}

function controls() {
  $('sort').value = state.sort
  $('turn').textContent = state.down ? '↓' : '↑'
}

function choices(id, pairs, field) {
  $(id).replaceChildren(...Object.entries(pairs).map(([value, name]) => { const o = make('option', '', name); o.value = value; return o }))
  $(id).value = state[field]
  $(id).onchange = () => {
    state[field] = $(id).value
    if (id === 'sort') state.down = ['density', 'peak', 'ce_effect'].includes(state.sort)
    controls(); arrange()
  }
}

function wire() {
  let waiting, frame
  choices('scope', D.meta.n_logits ? SCOPES : { any: SCOPES.any, fires: SCOPES.fires, contexts: SCOPES.contexts }, 'scope')
  choices('sort', SORTS, 'sort')
  choices('alive', ALIVE, 'alive')
  $('turn').onclick = () => { state.down = !state.down; controls(); arrange() }
  $('query').oninput = () => { clearTimeout(waiting); waiting = setTimeout(asked, 120) }
  for (const id of ['low', 'high']) $(id).oninput = () => {
    const v = Number($(id).value)
    state[id] = id === 'low' ? Math.min(v, state.high) : Math.max(v, state.low)
    $(id).value = state[id]; arrange()
  }
  $('list').onscroll = () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(rows) }
  $('theme').onclick = () => theme(!dark())
  $('help-button').onclick = () => $('help').showModal()
  addEventListener('resize', () => { rows(); redraw() })
  addEventListener('popstate', route)
  document.addEventListener('keydown', pressed)
  document.addEventListener('pointerover', tip)
  document.addEventListener('scroll', () => $('tip').hidden = true, true)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw)
}

async function start() {
  if (remembered.theme) document.documentElement.style.colorScheme = remembered.theme
  const first = ['meta', 'texts', 'density', 'peak', 'cosine', 'ce_effect', 'strongest']
  await load(first)
  N = D.density.length
  $('home').textContent = D.meta.title
  if (!D.density.some(d => d)) state.alive = 'all'
  controls(); wire(); help(); arrange(); route()
  await load(Object.keys(blocks).filter(name => !(name in D)))
  all = true
  arrange(); if (chosen !== null) feature(chosen)
  document.documentElement.dataset.ready = Math.round(performance.now())
}
start()
