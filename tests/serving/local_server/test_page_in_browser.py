"""The page as people meet it, in a headless Chromium."""

import csv
import importlib.resources

import httpx
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.helpers import browser

TEXT = "an excellent record, brilliant songs and one boring number"
NASTY = (
    "<script>window.ran = 1</script> excellent <img src=x onerror='window.ran = 1'> boring \0 \U0001f600 "
    "\u0634\u0643\u0631\u0627 <b>brilliant</b>"
)


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def chrome(downloads):
    with browser.opened(str(downloads)) as started:
        yield started


@pytest.fixture
def page(chrome, served_cnn):
    """The page, freshly loaded; in the end nothing has complained, and nothing was asked of anyone else."""
    browser.emulate(chrome)
    chrome.get(f"http://{served_cnn.rest}/")
    WebDriverWait(chrome, 20).until(lambda _: "version" in text_of(chrome, "about"))
    yield chrome
    assert chrome.get_log("browser") == []
    own = (f"http://{served_cnn.rest}/", f"blob:http://{served_cnn.rest}/", "data:")
    assert [address for address in browser.requested(chrome) if not address.startswith(own)] == []


def text_of(chrome, name: str) -> str:
    return chrome.find_element(By.ID, name).get_property("textContent")


def score(chrome, text: str) -> None:
    """Puts a text into the form as a paste does, and waits for the answer or the error."""
    chrome.execute_script("at('text').value = arguments[0]; at('ask').requestSubmit()", text)
    WebDriverWait(chrome, 30).until(lambda _: not chrome.execute_script("return at('score').disabled"))


def score_file(chrome, path) -> str:
    """Scores a file with the keyboard's Enter on the button; returns what the page says in the end."""
    chrome.find_element(By.ID, "file").send_keys(str(path))
    WebDriverWait(chrome, 20).until(lambda _: chrome.find_element(By.ID, "columns").is_displayed())
    chrome.find_element(By.ID, "score-file").send_keys(Keys.ENTER)
    WebDriverWait(chrome, 30).until(lambda _: chrome.find_element(By.ID, "scored").is_displayed())
    return text_of(chrome, "file-status")


def explained(server, text: str) -> dict:
    document = {"signature_name": "explain", "inputs": [text]}
    outputs = httpx.post(f"{server.url}:predict", json=document).json()["outputs"]
    return {name: values[0] for name, values in outputs.items()}


def table(chrome, name: str) -> list[list[str]]:
    script = "return [...at(arguments[0]).rows].map(row => [...row.cells].map(cell => cell.textContent))"
    return chrome.execute_script(script, name)


def number(shown: str) -> float:
    return float(shown.replace("\u2212", "-"))


def violations(chrome) -> list[str]:
    """What axe finds on the page as it is."""
    chrome.execute_script(importlib.resources.files("axe_core_python").joinpath("axe.min.js").read_text())
    told = "violations.map(one => [one.id, ...one.nodes.map(node => node.html)])"
    script = f"axe.run().then(({{violations}}) => arguments[0]({told}))"
    return chrome.execute_async_script(script)


def overflows(chrome) -> bool:
    return chrome.execute_script("return document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_a_review_gets_the_score_and_the_phrases_that_rest_answers(page, served_cnn):
    score(page, TEXT)
    answer = explained(served_cnn, TEXT)
    assert number(text_of(page, "number")) == pytest.approx(answer["score"], abs=0.06)
    assert f"between {answer['score_low']:.1f} and {answer['score_high']:.1f}: " in text_of(page, "interval").lower()
    points = {phrase: sign for phrase, sign in zip(answer["phrases"], answer["points"], strict=True) if phrase}
    shown = {phrase: number(written) for phrase, written in table(page, "phrase-rows")}
    assert shown.keys() == points.keys()
    for phrase, value in shown.items():
        assert value == pytest.approx(points[phrase], abs=0.06)
    chances = table(page, "chance-rows")
    assert [number(value) for value, _ in chances] == pytest.approx(answer["values"])
    assert [number(share[:-1]) / 100 for _, share in chances] == pytest.approx(answer["probabilities"], abs=6e-4)
    marks = page.execute_script("return [...document.querySelectorAll('#reading mark')].map(m => m.textContent)")
    assert sorted(marks) == sorted(points)
    assert text_of(page, "reading") == TEXT


@pytest.mark.parametrize("text", [NASTY, "", "word \n" * 170_000], ids=["markup", "empty", "1 MB"])
def test_whatever_is_pasted_is_answered_and_stays_text(page, text):
    score(page, text)
    assert page.find_element(By.ID, "number").text
    assert page.execute_script("return window.ran") is None
    assert page.execute_script("return at('reading').querySelectorAll(':not(mark)').length") == 0
    if text == NASTY:
        assert text_of(page, "reading") == text
    elif text:
        assert text_of(page, "reading").endswith("\u2026 and 920,000 characters more")
        assert "Only the first 200 were read." in text_of(page, "read")


def test_each_phrase_is_marked_where_the_model_says(page):
    """Whatever takes more bytes or fewer characters comes before; not at the first place of the same words."""
    script = "return placed(arguments[0], arguments[1]).map(({start, end, points}) => [start, end, points])"
    text = "\ufeffcaf\u00e9 \U0001f3b8: art, art of \u4e16 art"
    last, first = text.encode().rindex(b"art"), text.encode().index(b"art of")
    phrases = [{"phrase": "art", "points": -1, "start": last}, {"phrase": "art of", "points": 2, "start": first}]
    assert page.execute_script(script, text, phrases) == [[15, 21, 2], [24, 27, -1]]
    assert page.execute_script(script, "art", [{"phrase": "art", "points": 1}]) == []


def test_answers_of_earlier_exports_are_shown_as_far_as_they_go(page):
    page.execute_script("""
        window.asked = [];
        predict = async signature => asked.push(signature) && (signature === "explain"
            ? { phrases: ["good"], points: [3], explained_score: 61 }
            : { score: 60, score_low: 50, score_high: 70, tokens: 1, known_share: 1, truncated: false });""")
    score(page, "good")
    assert page.execute_script("return asked") == ["explain", "serving_default"]
    assert text_of(page, "number") == "60.0"
    assert not page.find_element(By.ID, "chances").is_displayed()
    assert table(page, "phrase-rows") == [["good", "+3.0"]]


def test_a_dropped_csv_comes_back_scored(page, served_cnn, downloads, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(f'id;score;review\n1;9;"{TEXT}"\n2;1;\n3;5;"=cmd(""x"")\nboring"\n')
    # As a drop does, of a file that a script has made.
    page.execute_script(
        "const given = new DataTransfer(); given.items.add(new File([arguments[0]], 'mine.csv'));"
        "at('drop').dispatchEvent(new DragEvent('drop', { dataTransfer: given, bubbles: true, cancelable: true }))",
        path.read_text(),
    )
    WebDriverWait(page, 20).until(lambda _: page.find_element(By.ID, "columns").is_displayed())
    assert page.find_element(By.ID, "column").get_property("value") == "review"
    page.find_element(By.ID, "score-file").click()
    WebDriverWait(page, 30).until(lambda _: page.find_element(By.ID, "scored").is_displayed())
    assert text_of(page, "file-status").startswith("2 rows scored by version ")
    assert text_of(page, "file-status").endswith(
        "; 1 without a score, as column \u201crejected\u201d says: empty_text."
    )
    shown = table(page, "preview-rows")
    assert [row[0] for row in shown] == ["1", "2", "3"]
    assert number(shown[0][1]) == pytest.approx(explained(served_cnn, TEXT)["score"], abs=0.06)
    assert shown[1][1:] == ["none", "empty_text", ""]
    assert shown[2][3] == '=cmd("x")\nboring'
    page.find_element(By.ID, "download").click()
    scored = downloads / "mine-scored.csv"
    WebDriverWait(page, 20).until(lambda _: scored.exists())
    with scored.open(newline="") as file:
        written = list(csv.reader(file, delimiter=";"))
    assert written[0][:4] == ["id", "score", "review", "model_score"]
    assert [row[:3] for row in written[1:]] == [["1", "9", TEXT], ["2", "1", ""], ["3", "5", '=cmd("x")\nboring']]


def test_the_keyboard_alone_does_it(page):
    page.execute_script("document.activeElement.blur()")
    ActionChains(page).send_keys(Keys.TAB, TEXT).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(
        Keys.CONTROL
    ).perform()
    WebDriverWait(page, 20).until(lambda _: page.find_element(By.ID, "answer").is_displayed())
    # What a screen reader is told, without a move of the focus.
    assert text_of(page, "ask-status").startswith(f"Score {text_of(page, 'number')}, interval ")
    assert page.switch_to.active_element.get_attribute("id") == "text"
    visited = []
    while "file" not in visited and len(visited) < 10:
        ActionChains(page).send_keys(Keys.TAB).perform()
        focused = page.switch_to.active_element
        visited.append(focused.get_attribute("id") or focused.tag_name)
    assert visited == ["score", "summary", "reading", "file"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_needs_no_sideways_scrolling(page, tmp_path, scheme):
    browser.emulate(page, width=360, height=780, scheme=scheme)
    score(page, TEXT + " " + "unbroken" * 40)
    path = tmp_path / "reviews.csv"
    path.write_text("text\ngood\n,,\n")
    score_file(page, path)
    assert violations(page) == []
    assert not overflows(page)


def test_a_server_that_dies_in_the_middle_of_a_file_leaves_no_half_of_it(page, tmp_path):
    page.execute_script(r"""
        const sent = new TextEncoder().encode('text,score,a,b,c,d,e,rejected\n"one\nrow",1,1,1,1,1,1,\n');
        let times = 0;
        ask = async address => address.startsWith('/archive/columns')
            ? Response.json({ columns: ['text'], likely: 'text' })
            : new Response(new ReadableStream({ pull: stream =>
                times++ ? stream.error(new TypeError('network error')) : stream.enqueue(sent) }),
                { headers: { 'x-rows': '3', 'x-delimiter': '%2C' } });""")
    path = tmp_path / "three.csv"
    path.write_text("text\n1\n2\n3\n")
    page.find_element(By.ID, "file").send_keys(str(path))
    WebDriverWait(page, 20).until(lambda _: page.find_element(By.ID, "columns").is_displayed())
    page.find_element(By.ID, "score-file").click()
    WebDriverWait(page, 20).until(lambda _: page.find_element(By.ID, "file-error").is_displayed())
    assert text_of(page, "file-error") == "The server stopped after 1 row of 3."
    assert not page.find_element(By.ID, "scored").is_displayed()
    assert page.find_element(By.ID, "score-file").is_enabled()


def test_errors_are_told_where_they_happen(page, tmp_path):
    path = tmp_path / "list.json"
    path.write_text('[{"text": "good"}]')
    page.find_element(By.ID, "file").send_keys(str(path))
    WebDriverWait(page, 20).until(lambda _: page.find_element(By.ID, "file-error").is_displayed())
    assert text_of(page, "file-error").startswith("The server says: list.json is no file of JSON lines: it is one JSON")
    page.execute_script("facts.text_bytes = 10")
    score(page, TEXT)
    assert text_of(page, "ask-error") == f"The text has {len(TEXT)} bytes; this server takes 10 bytes."
    page.execute_script("facts.text_bytes = 1000; fetch = async () => { throw new TypeError('Failed to fetch'); }")
    score(page, TEXT)
    assert text_of(page, "ask-error") == "The server does not answer. Is it still running?"
    assert violations(page) == []
    # Of a request that failed, the browser itself tells.
    assert ["list.json" in entry["message"] for entry in page.get_log("browser")] == [True]
