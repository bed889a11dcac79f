// The demo's page: one stream of events in, commands out. Each panel is a function that builds its part once
// and returns an update(town) that brings it up to date.
import { LANGUAGES, language, setLanguage, t } from './i18n.js';
import { h, keyed, show, text } from './dom.js';
import { Town } from './town.js';
import { kiosk } from './kiosk.js';
import { panel } from './panel.js';
import { paper } from './paper.js';
import { hall } from './hall.js';
import { voice } from './voice.js';
import { counters } from './counters.js';
import { controls } from './controls.js';
import { log } from './log.js';
import { tour } from './tour.js';

const by = (id) => document.getElementById(id);
const town = new Town();
let panels = [];

function top() {
  const languages = by('languages');
  const branches = by('branches');
  branches.onchange = () => town.choose(branches.value);
  const choose = (code) => () => { setLanguage(code); build(); };
  return () => {
    keyed(languages, LANGUAGES, ([code]) => code,
      ([code, name]) => h('button', { type: 'button', lang: code, title: name, onclick: choose(code) }, code.toUpperCase()),
      (node, [code]) => node.setAttribute('aria-pressed', String(code === language())));
    show(branches, town.list.length > 1);
    keyed(branches, town.list, (b) => b.id, (b) => h('option', { value: b.id }, b.name));
    branches.value = town.now.id;
    const { url, clerk, pin } = town.now;
    for (const page of ['kiosk', 'screen', 'clerk']) by(`page-${page}`).href = url ? `${url}/${page}` : '#';
    text(by('pin'), pin ? t('top.pin', { clerk, pin }) : '');
  };
}

function notice() {
  const el = by('notice');
  return () => {
    const said = town.lost ? t('state.lost') : town.notice;
    show(el, Boolean(said));
    text(el, said || '');
  };
}

function build() {
  panels = [
    top(), notice(), tour(by('tour')), kiosk(by('kiosk')), panel(by('panel')), paper(by('paper')), hall(by('hall')), voice(by('voice')),
    counters(by('counters')), controls(by('controls')), log(by('log')),
  ];
  update();
}

function update() {
  document.body.classList.toggle('loading', !town.present);
  by('town').classList.toggle('dark-branch', town.now.agent?.state === 'down' || town.now.agent?.state === 'starting');
  for (const panel of panels) panel(town);
}

town.onchange = update;
setLanguage(language());
build();
town.connect();
