// Writes one ticket as ESC/POS to standard output, made by an encoder that is not ours:
//   node tickets.mjs receipt-printer-encoder|receiptline|node-thermal-printer
// Input is JSON on standard input: {"title","lines":[...],"number","url"}.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { PNG } = require('pngjs');

// logo is a small picture that every encoder can carry: a ring on a checkerboard, 96x64.
function logo() {
  const png = new PNG({ width: 96, height: 64 });
  for (let y = 0; y < png.height; y++) {
    for (let x = 0; x < png.width; x++) {
      const d = Math.hypot(x - 32, y - 32);
      const ring = d > 20 && d < 30;
      const board = x > 68 && ((x >> 3) + (y >> 3)) % 2 === 0;
      const i = (y * png.width + x) * 4;
      png.data.fill(ring || board ? 0 : 255, i, i + 3);
      png.data[i + 3] = 255;
    }
  }
  return png;
}

function receiptPrinterEncoder(t) {
  const mod = require('@point-of-sale/receipt-printer-encoder');
  const Encoder = mod.default ?? mod;
  const picture = logo();
  const e = new Encoder({ language: 'esc-pos', columns: 48, feedBeforeCut: 4, imageMode: 'raster' });
  e.initialize().codepage('cp852').align('center');
  e.image({ data: picture.data, width: picture.width, height: picture.height }, 96, 64, 'threshold');
  e.bold(true).line(t.title).bold(false);
  for (const line of t.lines) e.line(line);
  e.size(4, 4).line(t.number).size(1, 1);
  e.qrcode(t.url, { model: 2, size: 6, errorlevel: 'm' });
  e.newline(2).cut('partial');
  return Buffer.from(e.encode());
}

function receiptline(t) {
  const { transform } = require('receiptline');
  const escape = (s) => s.replace(/[\\|{}~_"`^]/g, (c) => '\\' + c);
  const doc = [
    `{image:${PNG.sync.write(logo()).toString('base64')}}`,
    `"${escape(t.title)}"`,
    ...t.lines.map(escape),
    `^^^^${escape(t.number)}`,
    '',
    `{code:${escape(t.url)};option:qrcode,6,m}`,
    '',
    '{rule:line}',
    '=',
  ].join('\n');
  const printer = { cpl: 48, encoding: 'multilingual', command: 'escpos', gradient: false, cutting: false };
  return Buffer.from(transform(doc, printer), 'binary');
}

function nodeThermalPrinter(t) {
  const { printer: Printer, types } = require('node-thermal-printer');
  const picture = logo();
  const p = new Printer({ type: types.EPSON, interface: 'tcp://127.0.0.1:1', characterSet: 'PC852_LATIN2', width: 48 });
  p.alignCenter();
  p.add(p.printer.printImageBuffer(picture.width, picture.height, picture.data));
  p.bold(true);
  p.println(t.title);
  p.bold(false);
  for (const line of t.lines) p.println(line);
  p.setTextSize(3, 3);
  p.println(t.number);
  p.setTextNormal();
  p.printQR(t.url, { cellSize: 6, correction: 'M', model: 2 });
  p.cut();
  return p.getBuffer();
}

const makers = {
  'receipt-printer-encoder': receiptPrinterEncoder,
  'receiptline': receiptline,
  'node-thermal-printer': nodeThermalPrinter,
};
const make = makers[process.argv[2]];
if (!make) {
  console.error(`usage: node tickets.mjs ${Object.keys(makers).join('|')} <ticket.json`);
  process.exit(2);
}
process.stdout.write(make(JSON.parse(readFileSync(0, 'utf8'))));
