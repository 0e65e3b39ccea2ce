"""The methods of explaining, by the names that options and explanations have; importing this is cheap.

contribution          the model's own sum over words (`DocumentClassifier.explain`)
attention             sentence weight times word weight; never negative, the same for every class
gradient              gradient of the logit times embedding (Shrikumar et al. 2017)
integrated-gradients  from a text of mask tokens, 50 steps (Sundararajan et al. 2017)
occlusion             how much the logit falls when the word is deleted (Zeiler & Fergus 2014)
"""

from __future__ import annotations

from typing import Literal, get_args

Method = Literal["contribution", "attention", "gradient", "integrated-gradients", "occlusion"]
METHODS: tuple[Method, ...] = get_args(Method)

FROM_ONE_PASS: frozenset[Method] = frozenset({"contribution", "attention"})
"""What the scores of one forward pass give; the other methods run the network many times, with captum."""
