"""The prediction of notebook 00; see `helpers.questions.linearity` for why it stands here."""


SLOPE_MINUS_ONE = dict(
    key="slope-minus-one",
    question="Move the slope below zero to -1. Which function is the leaky ReLU then?",
    options=[
        "the identity, f(z) = z",
        "the absolute value, f(z) = |z|",
        "ReLU, f(z) = max(z, 0)",
    ],
    answer=1,
    why=(
        "With slope -1 the part below zero is -z, which is positive: both halves together "
        "are |z|."
    ),
)
