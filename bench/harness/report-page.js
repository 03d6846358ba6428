// Draws the plots of a report; html.ts puts it into the page, with the data and uPlot before it.
(() => {
  const plots = /* data */ null;
  const colours = ['#2f6fde', '#d9480f', '#2b8a3e', '#9c36b5', '#b08900', '#0c8599', '#868e96'];
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const drawn = [];

  const short = (value) => {
    if (value === null || value === undefined) return '';
    if (value >= 1e6) return `${value / 1e6} s`;
    if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))} ms`;
    return `${Number(value.toPrecision(3))} µs`;
  };
  const powersOnly = (_plot, splits) =>
    splits.map((value) =>
      Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6 ? value : null,
    );

  const axis = (more) => {
    const ink = dark.matches ? '#c9ced6' : '#3b4048';
    const line = dark.matches ? '#333a44' : '#e3e6ea';
    return { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, ...more };
  };
  const micros = () => axis({ size: 70, filter: powersOnly, values: (_plot, splits) => splits.map(short) });

  function search(element, width) {
    const { n, lines } = plots.search;
    const series = lines.map(({ name }, i) => ({
      label: name,
      stroke: colours[i % colours.length],
      width: name === 'ours' ? 3 : 1.5,
      points: { show: true, size: 7 },
      value: (_plot, value) => short(value),
    }));
    const count = (value) => (value === null ? '' : value.toLocaleString('en-US'));
    const options = {
      width,
      height: 340,
      scales: { x: { time: false, distr: 3, range: [n[0] / 1.3, n[n.length - 1] * 1.3] }, y: { distr: 3 } },
      axes: [
        axis({
          splits: () => n,
          filter: (_plot, splits) => splits,
          values: (_plot, splits) => splits.map(count),
        }),
        micros(),
      ],
      series: [{ label: 'n', value: (_plot, value) => (value === null ? '–' : count(value)) }, ...series],
    };
    return new uPlot(options, [n, ...lines.map(({ p50 }) => p50)], element);
  }

  function tiers(element, width) {
    const { names } = plots.tiers;
    const values = [...plots.tiers.with, ...plots.tiers.without].filter((value) => value !== null);
    const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
    const high = 10 ** Math.ceil(Math.log10(Math.max(...values) * 1.2));
    // A narrow bar each, the two of a case side by side: two points on the x axis, a quarter to either side.
    const x = names.flatMap((_, i) => [i - 0.2, i + 0.2]);
    const spread = (list, side) => list.flatMap((value) => (side === 0 ? [value, null] : [null, value]));
    const bars = (label, colour) => ({
      label,
      stroke: colour,
      fill: `${colour}b0`,
      width: 1,
      paths: uPlot.paths.bars({ size: [0.8, 70], align: 0 }),
      fillTo: low,
      points: { show: false },
      value: (_plot, value) => short(value),
    });
    const label = (plot) => {
      const { ctx } = plot;
      ctx.save();
      ctx.fillStyle = dark.matches ? '#e6e8eb' : '#22262b';
      ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.textAlign = 'center';
      for (const list of plot.data.slice(1)) {
        for (const [i, value] of list.entries()) {
          if (value === null) continue;
          ctx.fillText(
            short(value),
            plot.valToPos(x[i], 'x', true),
            plot.valToPos(value, 'y', true) - 6 * devicePixelRatio,
          );
        }
      }
      ctx.restore();
    };
    const options = {
      width,
      height: 360,
      legend: { live: false },
      cursor: { show: false },
      scales: { x: { time: false, range: [-0.6, names.length - 0.4] }, y: { distr: 3, range: [low, high] } },
      axes: [
        axis({
          splits: () => names.map((_, i) => i),
          values: () => names,
          grid: { show: false },
          size: 40,
        }),
        micros(),
      ],
      series: [{}, bars('without embedding', colours[0]), bars('with embedding', colours[1])],
      hooks: { draw: [label] },
    };
    return new uPlot(options, [x, spread(plots.tiers.without, 0), spread(plots.tiers.with, 1)], element);
  }

  const bytes = (value) => {
    if (value === null || value === undefined) return '';
    if (value >= 1e9) return `${Number((value / 1e9).toPrecision(3))} GB`;
    if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} MB`;
    return `${Number((value / 1e3).toPrecision(3))} kB`;
  };

  const lineDrawer = (plot) => (element, width) => {
    const { xs, lines } = plot;
    const [first, last] = [xs[0], xs[xs.length - 1]];
    const counted = plot.x === 'count';
    const shown = plot.y === 'bytes' ? bytes : short;
    const margin = (last - first) / 50;
    const named = {
      count: (value) => value.toLocaleString('en-US'),
      share: (value) => value.toFixed(3),
      percent: (value) => `${value} %`,
    }[plot.x];
    const label = (value) => (value === null || value === undefined ? '–' : named(value));
    const options = {
      width,
      height: 340,
      scales: {
        x: {
          time: false,
          ...(counted
            ? { distr: 3, range: [first / 1.3, last * 1.3] }
            : { range: [first - margin, last + margin] }),
        },
        y: { distr: 3 },
      },
      axes: [
        axis({
          ...(counted && { splits: () => xs, filter: (_plot, splits) => splits }),
          values: (_plot, splits) => splits.map(label),
        }),
        axis({ size: 70, filter: powersOnly, values: (_plot, splits) => splits.map(shown) }),
      ],
      series: [
        {
          label: { count: 'n', share: 'recall', percent: 'share' }[plot.x],
          value: (_plot, value) => label(value),
        },
        ...lines.map(({ name }, i) => ({
          label: name,
          stroke: colours[i % colours.length],
          width: name.startsWith('ours') ? 3 : 1.5,
          spanGaps: true,
          points: { show: true, size: 6 },
          value: (_plot, value) => shown(value),
        })),
      ],
    };
    return new uPlot(options, [xs, ...lines.map(({ ys }) => ys)], element);
  };

  function draw() {
    for (const plot of drawn.splice(0)) plot.destroy();
    for (const [id, make] of [
      ['search', search],
      ['tiers', tiers],
      ...plots.lines.map((plot) => [plot.id, lineDrawer(plot)]),
    ]) {
      const element = document.getElementById(id);
      if (element !== null) drawn.push(make(element, element.clientWidth));
    }
  }

  draw();
  dark.addEventListener('change', draw);
  addEventListener('resize', draw);
})();
