// Every word that a reader of the page sees, in Korean and in English. The Korean words also stand in
// index.html, so that the page reads well before any script has run.

const KO = {
  skip: "결과로 건너뛰기", tools: "도구", tagline: "무엇에 관한 글인지, 왜 그런지", api: "API",
  theme: "어두운 화면", language: "English", input: "분석할 글", paste: "본문 넣기", search: "기사 검색",
  text: "분석할 본문", placeholder: "기사나 글을 붙여 넣거나, 파일을 여기에 끌어다 놓으세요.",
  samples: "예시", open: "파일 열기", formats: ".txt · .html · .docx · .pdf", analyse: "분석하기",
  query: "찾을 말", queryHint: "찾을 말 (두 글자 이상)", filter: "분류", everyLabel: "모든 분류",
  find: "검색", more: "더 보기", controls: "보기 설정", category: "분류", labels: "확률",
  method: "보기", contribution: "기여도", attention: "주의", amount: "강조할 근거",
  compare: "비교할 분류", copy: "JSON 복사", download: "HTML 저장", article: "본문",
  keys: "화살표 키로 강조된 문장을 옮겨 다닙니다.", evidence: "근거", sentences: "가장 강한 문장",
  words: "가장 강한 단어", checkTitle: "믿어도 될까?", check: "확인하기", checkAbout: "가장 강한 문장 몇 개를 빼고 다시 분류해, 아무 문장이나 뺄 때와 견주어 봅니다.",
  about: "이 설명에 대하여", drop: "여기에 놓으면 본문을 읽습니다",
  privacy: "넣은 글은 이 서버 밖으로 나가지 않고, 저장되지 않습니다.",
  tokenTitle: "이 서버는 토큰이 필요합니다", token: "토큰", enter: "들어가기", cancel: "그만두기",
  meaning: "백분율은 문장(단어)의 기여도를 모든 문장(단어) 기여도의 절댓값 합으로 나눈 값이고, 색은 가장 강한 문장(단어)에 견주어 비례하여 진해지며, "
    + "기본값에 모든 기여도를 더하면 점수가 됩니다. 기여도는 모델의 계산을 정확히 나눈 몫이며, 현실의 원인을 증명하지는 않습니다.",
  characters: (n) => `${n}자`,
  reading: (name) => `${name}에서 본문을 읽는 중…`,
  analysing: "분석 중…", analysingFor: (seconds) => `분석 중… ${seconds}초`,
  empty: "먼저 글을 넣어 주세요.",
  tooLarge: (limit) => `글이 너무 깁니다. 한 번에 ${limit}까지 분석할 수 있습니다.`,
  question: (target, versus, particle) => `왜 ‘${target}’이고 ‘${versus}’${particle} 아닌가`,
  other: (target, value) => `아래는 가장 유력한 분류가 아니라 ‘${target}’(${value})의 근거입니다.`,
  against: (target, versus) => `${target} 대 ${versus}`,
  doubtful: (label, value) => `확률이 낮습니다. 다음 후보는 ‘${label}’(${value})이고, 모델이 아는 분류 어디에도 맞지 않는 글일 수 있습니다.`,
  knows: (n, labels) => `이 모델이 아는 분류 ${n}개: ${labels}`,
  noVersus: "비교하지 않음", allLabels: (n) => `분류 ${n}개 모두 보기`, fewLabels: "접기",
  amountSaid: (percent, n) => `${percent}% · 문장 ${n}개`,
  supports: "뒷받침하는 근거", opposes: "반대 근거", side: (label) => `‘${label}’ 쪽`,
  strongestWord: "강한 단어", attended: "모델이 주의를 기울인 곳",
  sentenceShare: (share, amount) => `문장 ${share} · 기여도 ${amount}`,
  wordShare: (word, share, amount) => `‘${word}’ ${share} · 기여도 ${amount}`,
  sentenceAttention: (share) => `문장 주의 ${share}`, wordAttention: (word, share) => `‘${word}’ 주의 ${share}`,
  rank: (n) => `순위 ${n}위 문장, 목록으로`, jump: "본문에서 보기", times: (n) => `×${n}`,
  copied: "JSON을 복사했습니다.", copyFailed: "복사하지 못했습니다.", saved: "HTML을 저장했습니다.",
  removing: (n) => `이 문장 ${n}개를 빼고 다시 분류하면`, whole: "전체 글", without: (n) => `가장 강한 문장 ${n}개를 빼면`, withoutRandom: (n) => `아무 문장 ${n}개를 빼면 (평균)`,
  checking: "확인하는 중…",
  trusted: "강조된 문장이 실제로 판단을 좌우합니다: 빼면 아무 문장이나 뺄 때보다 확률이 더 떨어집니다.",
  doubted: "주의: 강조된 문장을 빼도 아무 문장이나 뺄 때와 다르지 않습니다. 이 순위를 그대로 믿지 마십시오.",
  uncheckable: "글이 너무 짧거나 뒷받침하는 문장이 없어 비교할 수 없습니다.",
  noLibrary: "아직 기사 모음이 없습니다. 터미널에서 기사를 넣고 서버를 다시 시작하세요:",
  found: (n, more) => `${n}건${more ? " 이상" : ""}`, nothing: "찾는 기사가 없습니다.",
  otherModel: "일부 기사는 다른 모델이 분류했습니다. 열면 지금 모델로 다시 분석합니다.",
  factModel: "모델", factChecksum: "체크섬", factRead: "읽은 범위", factScore: "점수",
  read: (coverage, n, m) => `본문의 ${coverage} · 문장 ${n}개 · 단어 ${m}개`,
  score: (logit, bias, sum) => `${logit} = 기본값 ${bias}, 문장 합 ${sum}`,
  busy: "지금은 요청이 많습니다. 잠시 뒤에 다시 해 주세요.", offline: "서버에 닿지 않습니다. 서버가 켜져 있는지 확인해 주세요.",
  late: "너무 오래 걸려 멈추었습니다. 글을 나누어 보세요.", failed: "서버에서 문제가 생겼습니다. 다시 해 주세요.",
  nothingToRead: "읽을 글자가 없습니다.", shortQuery: "두 글자 이상 넣어 주세요.",
  badFile: (name) => `${name}: 본문을 읽을 수 없는 파일입니다. 손상되었거나, 잠겨 있거나, 글자가 없습니다.`,
  largeFile: (name, limit) => `${name}: 파일이 너무 큽니다. ${limit}까지 열 수 있습니다.`,
};

const EN = {
  skip: "Skip to the result", tools: "Tools", tagline: "What a text is about, and why", api: "API",
  theme: "Dark screen", language: "한국어", input: "Text to analyse", paste: "Paste a text", search: "Search articles",
  text: "Text to analyse", placeholder: "Paste an article or any text, or drop a file here.",
  samples: "Samples", open: "Open a file", formats: ".txt · .html · .docx · .pdf", analyse: "Analyse",
  query: "Words to find", queryHint: "Words to find (two characters or more)", filter: "Category", everyLabel: "All categories",
  find: "Search", more: "Show more", controls: "View settings", category: "Category", labels: "Probability",
  method: "Show", contribution: "Contribution", attention: "Attention", amount: "Highlight",
  compare: "Versus", copy: "Copy JSON", download: "Save HTML", article: "Text",
  keys: "Arrow keys move between highlighted sentences.", evidence: "Evidence", sentences: "Strongest sentences",
  words: "Strongest words", checkTitle: "Can this be trusted?", check: "Check", checkAbout: "Classifies again without some of the strongest sentences, and compares with leaving out random ones.",
  about: "About this explanation", drop: "Drop to read the text",
  privacy: "Your text does not leave this server and is not stored.",
  tokenTitle: "This server wants a token", token: "Token", enter: "Enter", cancel: "Cancel",
  meaning: "A percentage is the contribution of a sentence (or word) divided by the sum of the absolute contributions of all sentences (or words); "
    + "shades are linear to the strongest one; the bias and all contributions add up to the score. "
    + "Contributions divide the model's computation exactly; they do not prove a cause.",
  characters: (n) => `${n} characters`,
  reading: (name) => `Reading ${name}…`,
  analysing: "Analysing…", analysingFor: (seconds) => `Analysing… ${seconds} s`,
  empty: "Put a text in first.",
  tooLarge: (limit) => `The text is too long. Up to ${limit} can be analysed at once.`,
  question: (target, versus) => `Why “${target}” and not “${versus}”`,
  other: (target, value) => `This is the evidence for “${target}” (${value}), not for the most probable category.`,
  against: (target, versus) => `${target} to ${versus}`,
  doubtful: (label, value) => `The probability is low. Next comes “${label}” (${value}); the text may fit none of the categories that the model knows.`,
  knows: (n, labels) => `This model knows ${n} categories: ${labels}`,
  noVersus: "no comparison", allLabels: (n) => `Show all ${n} categories`, fewLabels: "Show fewer",
  amountSaid: (percent, n) => `${percent}% · ${n} ${n === "1" ? "sentence" : "sentences"}`,
  supports: "evidence for", opposes: "evidence against", side: (label) => `towards “${label}”`,
  strongestWord: "strong word", attended: "where the model attends",
  sentenceShare: (share, amount) => `sentence ${share} · contribution ${amount}`,
  wordShare: (word, share, amount) => `“${word}” ${share} · contribution ${amount}`,
  sentenceAttention: (share) => `sentence attention ${share}`, wordAttention: (word, share) => `“${word}” attention ${share}`,
  rank: (n) => `Ranked ${n}, back to the list`, jump: "Show in the text", times: (n) => `×${n}`,
  copied: "JSON copied.", copyFailed: "Could not copy.", saved: "HTML saved.",
  removing: (n) => (n === "1" ? "Classified again without this sentence" : `Classified again without these ${n} sentences`), whole: "Whole text", without: (n) => (n === "1" ? "Without the strongest" : `Without the ${n} strongest`),
  withoutRandom: (n) => (n === "1" ? "Without a random one (mean)" : `Without ${n} random ones (mean)`),
  checking: "Checking…",
  trusted: "The highlighted sentences do decide: without them the probability falls more than without random ones.",
  doubted: "Caution: leaving the highlighted sentences out does no more than leaving out random ones. Do not rely on this order.",
  uncheckable: "Nothing to compare: the text is too short, or no sentence argues for the category.",
  noLibrary: "There is no library yet. Add articles in a terminal and start the server again:",
  found: (n, more) => `${n}${more ? " or more" : ""} ${n === "1" ? "article" : "articles"}`, nothing: "No article found.",
  otherModel: "Another model classified some of these articles; opening one analyses it with this model.",
  factModel: "Model", factChecksum: "Checksum", factRead: "Read", factScore: "Score",
  read: (coverage, n, m) => `${coverage} of the text · ${n} sentences · ${m} words`,
  score: (logit, bias, sum) => `${logit} = bias ${bias}, sentences ${sum}`,
  busy: "The server is busy. Try again in a moment.", offline: "The server cannot be reached. Is it running?",
  late: "This took too long. Try a shorter text.", failed: "The server failed. Try again.",
  nothingToRead: "There is nothing to read.", shortQuery: "Write two characters or more.",
  badFile: (name) => `${name}: no text can be read from this file. It is damaged, locked, or holds none.`,
  largeFile: (name, limit) => `${name}: the file is too large. Up to ${limit} can be opened.`,
};

const WORDING = { ko: KO, en: EN };
let language = "ko";

export const words = () => WORDING[language];
export const currentLanguage = () => language;

/** Put the language's words where index.html asks for them. */
export function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = words()[element.dataset.t];
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", words()[element.dataset.tLabel]);
  for (const element of document.querySelectorAll("[data-t-placeholder]")) element.placeholder = words()[element.dataset.tPlaceholder];
}

/** Return 이 after a final consonant, 가 after a vowel, 이(가) after what is not Hangul. */
export function particle(word) {
  const last = word.charCodeAt(word.length - 1);
  if (!(last >= 0xac00 && last <= 0xd7a3)) return "이(가)";
  return (last - 0xac00) % 28 ? "이" : "가";
}

export const number = (value) => value.toLocaleString(language);
export const signed = (value, digits = 4) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

/** A signed share as people read it. */
export function percentage(share) {
  return Math.abs(share) < 0.0005 ? "0.0%" : `${share < 0 ? "−" : "+"}${(Math.abs(share) * 100).toFixed(1)}%`;
}

/** A probability as people read it, and never a rounded certainty. */
export function probability(value) {
  if (value >= 0.9995 && value < 1) return ">99.9%";
  if (value > 0 && value < 0.0005) return "<0.1%";
  return `${(value * 100).toFixed(1)}%`;
}
