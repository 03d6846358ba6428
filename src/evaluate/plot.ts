// A plot of lines as SVG. Only html.ts imports it.

/** A line of a plot; both coordinates in [0, 1]. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

// Told apart by people who see no red or no green. Source: Okabe & Ito, Color Universal Design (2008).
const colours = ['#000000', '#e69f00', '#56b4e9', '#009e73', '#d55e00', '#cc79a7', '#0072b2'];
const width = 760;
const height = 420;
const left = 60;
const right = 200;
const top = 30;
const bottom = 50;

/** An SVG element with both axes from 0 to 1. */
export function plot(title: string, x: string, y: string, lines: readonly Line[]): string {
  const across = (value: number) => left + value * (width - left - right);
  const up = (value: number) => height - bottom - value * (height - top - bottom);
  const at = (value: number) => value.toFixed(1);
  const text = (px: number, py: number, anchor: string, words: string) =>
    `<text x="${at(px)}" y="${at(py)}" text-anchor="${anchor}">${escaped(words)}</text>`;
  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (tick) =>
      `<path d="M${at(across(0))} ${at(up(tick))}H${at(across(1))}M${at(across(tick))} ${at(up(0))}V${at(up(1))}" stroke="#ddd"/>` +
      text(across(0) - 8, up(tick) + 4, 'end', tick.toFixed(1)) +
      text(across(tick), up(0) + 18, 'middle', tick.toFixed(1)),
  );
  const drawn = lines.map(({ name, points }, i) => {
    const colour = colours[i % colours.length] as string;
    const path = points.map(([px, py]) => `${at(across(px))} ${at(up(py))}`).join('L');
    const [keyX, keyY] = [across(1) + 16, top + 20 * i + 8];
    return (
      (path === '' ? '' : `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="1.8"/>`) +
      `<path d="M${at(keyX)} ${at(keyY)}h18" stroke="${colour}" stroke-width="3"/>` +
      text(keyX + 24, keyY + 4, 'start', name)
    );
  });
  return (
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-size="12" font-family="system-ui,sans-serif" role="img" aria-label="${escaped(title)}">` +
    text(across(0), 18, 'start', title) +
    grid.join('') +
    text(across(0.5), height - 12, 'middle', x) +
    `<text transform="translate(16 ${at(up(0.5))}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>` +
    `${drawn.join('')}</svg>`
  );
}

/** The text as HTML shows it. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
