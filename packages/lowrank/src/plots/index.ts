/** Room `plots`: numbers come in; charts as SVG text or lines for a terminal go out. Touches no file and no screen. */
export type { Axis, LineChart, ReferenceLine, Series } from "./chart.ts";
export { type HeatMapOptions, type HeatMapPanel, heatMap } from "./heat-map.ts";
export { type LineChartOptions, lineChart, stackedCharts } from "./line-chart.ts";
export { type TerminalChartOptions, terminalChart } from "./terminal-chart.ts";
