"use strict";
// The map: the sea as tiles (or, from disk, as points or one image), members and rings as WebGL glyphs.
// Places are in the chart's own square, 0 to 1, so that a tile of level z is 2^-z wide.
// Where WebGL is drawn by the processor, a plain canvas is eight times as fast (benchmarks/atlas.md).
const CARD = (() => {
  const gl = document.createElement("canvas").getContext("webgl");
  const told = gl && gl.getExtension("WEBGL_debug_renderer_info");
  return Boolean(gl) && !(told && /swiftshader|llvmpipe|softpipe|basic render/i.test(gl.getParameter(told.UNMASKED_RENDERER_WEBGL)));
})();

class AtlasMap {
  constructor(element, run, members, on) {
    const make = (name, values) => new (Bokeh.Models.get(name))(values);
    this.run = run;
    this.members = members;
    const [x0, y0, x1, y1] = run.home;
    this.xs = make("Range1d", { start: x0, end: x1 });
    this.ys = make("Range1d", { start: y0, end: y1 });
    this.pan = make("PanTool");
    this.wheel = make("WheelZoomTool");
    const overlay = make("PolyAnnotation", { fill_color: "#175074", fill_alpha: 0.08, line_color: "#175074", line_width: 2 });
    this.lasso = make("LassoSelectTool", { renderers: [], continuous: false, persistent: true, overlay });
    this.plot = make("Plot", {
      x_range: this.xs, y_range: this.ys, sizing_mode: "stretch_both", toolbar_location: null,
      output_backend: CARD ? "webgl" : "canvas", // without a card only some of many members are drawn while the map moves
      lod_threshold: CARD ? null : 2000, lod_factor: Math.max(2, Math.ceil(members.x.length / 1000)), lod_timeout: 250, min_border: 0,
      background_fill_color: "#ffffff", border_fill_color: "#ffffff", outline_line_color: null,
    });
    this.plot.add_tools(this.pan, this.wheel, this.lasso);
    this.plot.toolbar.active_scroll = this.wheel;
    this.tool("move");
    this.addSea(make);
    this.halo = this.addGlyph(make, { line_color: "#17222d", line_width: 1.5, fill_color: { field: "fill" }, size: 14, marker: "circle" });
    this.points = this.addGlyph(make, { line_color: { field: "line" }, line_width: 0.7, fill_color: { field: "fill" }, fill_alpha: { field: "alpha" }, size: { field: "size" }, marker: { field: "marker" } });
    this.near = this.addGlyph(make, { line_color: "#a3260f", line_width: 2, fill_color: null, size: 13, marker: "circle" });
    this.here = this.addGlyph(make, { line_color: "#17222d", line_width: 2.5, fill_color: null, size: 20, marker: "circle" });
    element.addEventListener("pointermove", (e) => { this.dragging = e.buttons > 0; }, true);
    this.plot.on_event("mousemove", (e) => this.dragging || on.point(e.x, e.y));
    this.plot.on_event("tap", (e) => on.pick(e.x, e.y));
    this.plot.on_event("selectiongeometry", (e) => {
      if (e.final && e.geometry.type === "poly") on.select(Array.from(e.geometry.x, (x, i) => [x, e.geometry.y[i]]));
    });
    this.document = new Bokeh.Document();
    this.document.add_root(this.plot);
    this.shown = Bokeh.embed.add_document_standalone(this.document, element).then((views) => {
      this.view = views.get_one ? views.get_one(this.plot) : views[0];
      // tiles keep the map's shape by themselves
      if (STATIC) new ResizeObserver(() => this.show([this.xs.start, this.ys.start, this.xs.end, this.ys.end])).observe(element);
    });
  }

  addSea(make) {
    if (STATIC) {
      const { sea } = STATIC;
      if (sea.image) this.plot.add_renderers(make("GlyphRenderer", { data_source: make("ColumnDataSource", { data: { url: [sea.image] } }), glyph: make("ImageURL", { x: 0, y: 1, w: 1, h: 1 }) }));
      else this.addGlyph(make, { line_color: null, fill_color: this.run.gray, fill_alpha: 0.45, size: 4, marker: "circle" }).data = { x: sea.x, y: sea.y };
      return;
    }
    const options = { url: this.url(""), tile_size: 256, initial_resolution: 1 / 256, x_origin_offset: 0, y_origin_offset: 0, min_zoom: 0, max_zoom: this.run.deepest, wrap_around: false, snap_to_zoom: false, attribution: "" };
    this.tiles = make("TMSTileSource", options);
    this.plot.add_renderers(make("TileRenderer", { tile_source: this.tiles }));
  }

  url(color) {
    return `api/tile/{Z}/{X}/{Y}.png?${new URLSearchParams({ color, of: this.run.version })}`;
  }

  addGlyph(make, look) {
    const data_source = make("ColumnDataSource", { data: { x: [], y: [], fill: [], line: [], alpha: [], size: [], marker: [] } });
    const glyph = make("Scatter", { x: { field: "x" }, y: { field: "y" }, ...look });
    this.plot.add_renderers(make("GlyphRenderer", { data_source, glyph }));
    return data_source;
  }

  // members in the colors of their class or verdict, or hollow over a sea that is colored by a column
  draw(color, rejected) {
    const { classes, verdicts } = this.run, hollow = color !== "class" && color !== "verdict";
    const { x, y, c } = this.members;
    const kept = [...c.keys()].filter((i) => (rejected && !hollow) || classes[c[i]].verdict !== "rejected");
    const of = (value) => kept.map((i) => value(classes[c[i]], i));
    const tint = (k) => (color === "verdict" ? verdicts[k.verdict] : k.color);
    const small = (k) => k.verdict === "rejected";
    this.hollow = hollow;
    this.points.data = {
      x: of((k, i) => x[i]), y: of((k, i) => y[i]), marker: of((k) => k.marker), fill: of(tint),
      line: of((k) => (hollow || small(k) ? tint(k) : "#ffffff")), alpha: of(() => (hollow ? 0 : 1)), size: of((k) => (small(k) ? 6 : 8)),
    };
    if (this.tiles) this.tiles.url = this.url(hollow ? color : "");
  }

  ring(source, places) {
    const on = places.filter((p) => p.x !== null), fill = this.hollow ? "transparent" : "#ffffff";
    source.data = { x: on.map((p) => p.x), y: on.map((p) => p.y), fill: on.map(() => fill) };
  }

  ringClass(place) {
    const { x, y, c } = this.members;
    this.ring(this.halo, [...c.keys()].filter((i) => c[i] === place).map((i) => ({ x: x[i], y: y[i] })));
  }

  tool(name) {
    this.plot.toolbar.active_drag = name === "lasso" ? this.lasso : this.pan;
  }

  clearLasso() {
    this.lasso.overlay.xs = [];
    this.lasso.overlay.ys = [];
  }

  get pixel() {
    return (this.xs.end - this.xs.start) / this.view.frame.bbox.width;
  }

  // the box, widened to the shape of the frame
  show([x0, y0, x1, y1], pad = 0) {
    const { width, height } = this.view.frame.bbox, least = 1e-3;
    const per = Math.max((x1 - x0 + 2 * pad) / width, (y1 - y0 + 2 * pad) / height, least / width);
    const [x, y, w, h] = [(x0 + x1) / 2, (y0 + y1) / 2, (per * width) / 2, (per * height) / 2];
    this.xs.setv({ start: x - w, end: x + w });
    this.ys.setv({ start: y - h, end: y + h });
  }

  zoom(by) {
    const [x, y, w, h] = [(this.xs.start + this.xs.end) / 2, (this.ys.start + this.ys.end) / 2, (this.xs.end - this.xs.start) / 2 / by, (this.ys.end - this.ys.start) / 2 / by];
    this.xs.setv({ start: x - w, end: x + w });
    this.ys.setv({ start: y - h, end: y + h });
  }
}
