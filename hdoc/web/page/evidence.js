// The numbers of one document: what each sentence and word adds to any class, and how strong that is to be
// shown. Shares are additive, so "why A and not B" is A's numbers minus B's. The rules for percentages and
// shades are those of hdoc/rendering/scale.py.

const MARKED_SHARE = 10;
const MARKED_WEIGHT = 0.2;
const MOST_MARKED = 1000;
const USUAL_AMOUNT = 80;

/** Python counts code points, JavaScript UTF-16 units: return a function from the first to the second. */
export function unitsOf(text) {
  if (!/[\ud800-\udbff]/.test(text)) return (offset) => offset;
  const units = new Uint32Array(text.length + 1);
  let points = 0;
  let unit = 0;
  for (const character of text) {
    units[points++] = unit;
    unit += character.length;
  }
  units[points] = unit;
  return (offset) => units[offset];
}

export class Evidence {
  constructor(text, explanation) {
    this.text = text;
    this.explanation = explanation;
    const unit = unitsOf(text);
    this.sentences = [];
    this.words = [];
    for (const sentence of explanation.sentences) {
      const first = this.words.length;
      for (const word of sentence.words) {
        this.words.push({
          start: unit(word.start), end: unit(word.end), sentence: this.sentences.length,
          attention: word.attention * sentence.attention,
        });
      }
      this.sentences.push({
        start: unit(sentence.start), end: unit(sentence.end), attention: sentence.attention,
        first, last: this.words.length,
      });
    }
    this.columns = new Map();
    this.biases = new Map();
    const given = explanation.by_label;
    given?.labels.forEach((label, column) => {
      this.columns.set(label, Float64Array.from(given.words, (row) => row[column]));
      this.biases.set(label, given.bias[column]);
    });
    delete explanation.by_label;
    this.learn(explanation);
  }

  has(label) { return this.columns.has(label); }

  /** Take a class's numbers from an explanation of it. */
  learn(explanation) {
    if (explanation.versus !== null) return;
    const column = explanation.sentences.flatMap((sentence) => sentence.words.map((word) => word.contribution));
    this.columns.set(explanation.target, Float64Array.from(column));
    this.biases.set(explanation.target, explanation.bias);
  }

  /** Return the numbers to show: of a class, of a class against another, or the attention. */
  view(target, versus, method) {
    const attention = method === "attention";
    const plus = this.columns.get(target);
    const minus = versus === null ? null : this.columns.get(versus);
    const word = attention
      ? Float64Array.from(this.words, (each) => each.attention)
      : minus === null ? plus : plus.map((value, index) => value - minus[index]);
    const sentence = attention
      ? Float64Array.from(this.sentences, (each) => each.attention)
      : Float64Array.from(this.sentences, ({ first, last }) => word.subarray(first, last).reduce((sum, value) => sum + value, 0));
    const bias = this.biases.get(target) - (versus === null ? 0 : this.biases.get(versus));
    return new View(this, { target, versus, method, attention, bias, sentence: new Scale(sentence), word: new Scale(word) });
  }
}

/** Values with what their shares and shades are relative to, and their order by strength. */
class Scale {
  constructor(values) {
    this.values = values;
    this.sizes = values.map(Math.abs);
    this.total = this.sizes.reduce((sum, size) => sum + size, 0);
    this.order = Uint32Array.from(values.keys()).sort((a, b) => this.sizes[b] - this.sizes[a] || a - b);
    this.peak = values.length ? this.sizes[this.order[0]] : 0;
  }

  share(value) { return this.total ? value / this.total : 0; }

  strength(index) { return this.peak ? this.sizes[index] / this.peak : 0; }
}

class View {
  constructor(evidence, fields) { Object.assign(this, fields, { evidence }); }

  get score() { return this.bias + this.sentence.values.reduce((sum, value) => sum + value, 0); }

  side(value) {
    if (this.attention) return "n";
    return value < 0 ? "a" : "f";
  }

  /** The strongest sentences that together carry `amount` percent of all evidence. */
  shownSentences(amount) {
    const shown = new Set();
    let carried = 0;
    for (const index of this.sentence.order) {
      if (!this.sentence.sizes[index] || carried >= (amount / 100) * this.sentence.total - 1e-9) break;
      shown.add(index);
      carried += this.sentence.sizes[index];
    }
    return shown;
  }

  /** The words that deserve a mark, by sentence: few, strong ones; more of them the more is to be shown. */
  markedWords(amount) {
    const { order, sizes, peak } = this.word;
    const usual = amount / USUAL_AMOUNT;
    const most = Math.min(Math.max(Math.floor((order.length / MARKED_SHARE) * usual), amount ? 3 : 0), MOST_MARKED);
    const weakest = MARKED_WEIGHT * peak * Math.max(2 - usual, 0.5);
    const marked = new Map();
    for (const index of order.subarray(0, most)) {
      if (!sizes[index] || sizes[index] < weakest) break;
      const sentence = this.evidence.words[index].sentence;
      if (!marked.has(sentence)) marked.set(sentence, []);
      marked.get(sentence).push(index);
    }
    for (const indices of marked.values()) indices.sort((a, b) => a - b);
    return marked;
  }

  /** The strongest words, equal ones together. */
  strongestWords(most) {
    const groups = new Map();
    this.evidence.words.forEach((word, index) => {
      const spelling = this.evidence.text.slice(word.start, word.end);
      const group = groups.get(spelling) ?? { spelling, value: 0, times: 0, strongest: index };
      group.value += this.word.values[index];
      group.times += 1;
      if (this.word.sizes[index] > this.word.sizes[group.strongest]) group.strongest = index;
      groups.set(spelling, group);
    });
    return [...groups.values()].filter((group) => group.value)
      .sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, most);
  }
}
