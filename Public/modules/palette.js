// Colours for phrases, after Okabe and Ito's palette for readers with any colour vision. Each phrase also
// has a number, so colour is never the only sign.

export const PALETTE = [
  { name: "orange", hex: "#f59f1e" },
  { name: "sky blue", hex: "#4cb8f2" },
  { name: "green", hex: "#1fb583" },
  { name: "pink", hex: "#e58cc0" },
  { name: "yellow", hex: "#f2e347" },
  { name: "vermilion", hex: "#f0703a" },
  { name: "violet", hex: "#a99bff" },
  { name: "grey", hex: "#c3cbd0" },
];

/** The colour of the n-th phrase of a picture, counted from 0. */
export const colorFor = (index) => PALETTE[index % PALETTE.length];

export function rgbOf(hex) {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
