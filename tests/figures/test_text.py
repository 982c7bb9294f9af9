"""Names of biomarkers, sites and groups are the user's: no figure takes them for formulas."""

import matplotlib.pyplot as plt

from neuraxis.figures import style


def test_a_dollar_in_a_name_is_a_dollar():
    figure = plt.figure()
    broken = figure.text(0.1, 0.5, r"$\frac{cost$ of 5 $")  # a parser of formulas would end here with an error
    one, two = figure.text(0.1, 0.2, "$a$"), figure.text(0.1, 0.1, "a")
    figure.canvas.draw()
    assert broken.get_window_extent().width > 0 and style.PAGE
    assert one.get_window_extent().width > 2 * two.get_window_extent().width  # both dollars are drawn
    plt.close(figure)
