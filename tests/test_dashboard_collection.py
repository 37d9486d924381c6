"""The pages «Сбор данных» and «О данных», on invented editions, without a browser."""

from __future__ import annotations

import html
import re
from datetime import date

import panel as pn
import pytest
from dashboard_pages import said
from invented_collecting import RUN, check, publish_run, send

from dashboards import shell
from dashboards.collecting import Collecting
from dashboards.pages import about, collection
from dashboards.store import State, published_editions
from nmc_utils.approvals import approve
from nmc_utils.results import ResultsError, results_folder

KEY, NEXT = "khakassia/2023", "khakassia/2024"
PLAN = "collection:\n  deadline: 2024-02-15\n  responsible: {abaza: Управление <b>образования}\n"
ORDER = {"by": "директор ЦНППМ", "order": "приказ № 12", "on": date(2024, 3, 1)}


@pytest.fixture
def edition(small):
    """An edition of four municipalities with a plan of collecting, and the next one, empty."""
    about_it = (small.folder / "edition.yaml").read_text("utf-8")
    (small.folder / "edition.yaml").write_text(about_it + PLAN, "utf-8")
    later = small.folder.with_name("2024")
    later.mkdir()
    (later / "edition.yaml").write_text(about_it.replace("2023", "2024"), "utf-8")
    return small.edition


@pytest.fixture
def checked(edition):
    send(edition, "Абакан.xlsx", "Абаза.xlsx", "Сорск.xlsx")
    check(edition)
    return edition


def choices_of(edition, day: int = 10) -> Collecting:
    choices = Collecting(edition.root, lambda: KEY)
    choices.today = lambda: date(2024, 2, day)
    return choices


def opened(edition, monkeypatch, **query: str) -> State:
    """The state of a session once a run is published."""
    publish_run(edition, monkeypatch)
    state = State(*published_editions(edition.root))
    state.collecting.today = lambda: date(2024, 2, 10)
    state.restore(query)
    return state


@pytest.fixture
def state(checked, monkeypatch):
    from nmc_utils.editions import edition

    return opened(edition(*KEY.split("/"), checked.root), monkeypatch)


def markup(view: pn.viewable.Viewable) -> str:
    return " ".join(pane.object for pane in view.select(pn.pane.HTML))


def rows(view: pn.viewable.Viewable) -> dict[str, str]:
    """Municipality → the words of its row in the matrix."""
    (matrix,) = re.findall(r'<table class="matrix.*?</table>', markup(view))
    cells = [re.findall(r"<td.*?>(.*?)</td>", row) for row in matrix.split("</tr>")[1:-1]]
    words = [[html.unescape(re.sub("<.*?>", " ", cell)).strip() for cell in row] for row in cells]
    return {row[0]: " | ".join(re.sub(" +", " ", cell) for cell in row[1:]) for row in words}


# --- what is shown --------------------------------------------------------------------------------


def test_the_matrix_says_every_state_by_sign_and_word(checked):
    assert rows(collection.page(choices_of(checked), {})) == {
        "Абакан": "× возвращено задержано 3 из 10 | ✓ принято 20\xa0строк | 2 | 15.02.2024 | —",
        "Абаза": "✓ принято 4\xa0строки | – не прислано | 1 | 15.02.2024 | "
        "Управление <b>образования",
        "Саяногорск": "– не прислано | – не прислано | — | 15.02.2024 | —",
        "Сорск": "✓ принято 5\xa0строк | ✓ принято 9\xa0строк | 1 | 15.02.2024 | —",
    }


def test_after_the_deadline_the_late_are_marked(checked):
    page = collection.page(choices_of(checked, day=20), {})
    late = [name for name, row in rows(page).items() if "! просрочен" in row]
    assert late == ["Абакан", "Абаза", "Саяногорск"]
    assert "Прошло после срока 5\xa0дней" in said(page).replace("5 дней", "5\xa0дней")
    assert "! просрочен" not in said(collection.page(choices_of(checked, day=15), {}))


def test_what_to_ask_for_names_file_sheet_and_cell_and_no_value(checked):
    page = collection.page(choices_of(checked), {})
    words = said(page)
    assert (
        "1 Абакан старый.xlsx заменён Абакан файл № 1.xlsx 2 файл № 1.xlsx возвращён Абакан"
        in words
    )
    assert "файл № 1.xlsx Сотрудники D4, D5 Нет даты рождения Впишите дату." in words
    assert "изменено 14, добавлено 3, исчезло 2" in words
    assert "97654" not in markup(page)
    assert "<b>" not in markup(page), "text of data is text"


def test_an_edition_never_checked_says_what_to_do(edition):
    choices = choices_of(edition)
    choices.choose(NEXT)
    words = said(collection.page(choices, {}))
    assert "Республика Хакасия, 2024 год" in words
    assert "Данные представили 0 из 4 муниципальных образований." in words
    assert "Присланное ещё не проверяли. Выполните: nmc check khakassia 2024." in words
    assert "Срок не установлен" in words
    send(choices.collected().edition, "Абаза.xlsx", "от Петровой.xlsx")
    page = collection.page(choices, {})
    assert rows(page)["Абаза"].startswith("○ на проверке | ○ на проверке")
    assert "Не проверено файлов: 2 (Абаза — 1, чьи, по имени файла не видно, — 1)." in said(page)
    assert "Петров" not in markup(page)


# --- choosing -------------------------------------------------------------------------------------


def test_every_edition_with_a_folder_is_offered_and_says_whether_it_is_published(state):
    assert state.collecting.options == {
        "Республика Хакасия, 2023 год": KEY,
        "Республика Хакасия, 2024 год — не опубликовано": NEXT,
    }


def test_a_state_keeps_the_municipalities_that_have_it(checked):
    choices = choices_of(checked)
    page = collection.page(choices, {})
    choices.stage = "not_sent"
    assert list(rows(page)) == ["Абаза", "Саяногорск"]
    choices.stage = "checking"
    assert "В таком состоянии ничего нет." in said(page)


def test_a_municipality_narrows_what_is_told_below(checked):
    choices = choices_of(checked)
    page = collection.page(choices, {})
    choices.sender = "sorsk"
    words = said(page)
    assert len(rows(page)) == 4
    assert "Что запросить: Сорск Запрашивать нечего." in words
    assert "Файлы: Сорск № Файл Состояние Чей 4 Сорск.xlsx принят Сорск" in words
    assert "D4, D5" not in words
    choices.sender = "abakan"
    assert "Абакан старый.xlsx заменён Абакан файл № 1.xlsx" in said(page)


def test_a_link_of_the_matrix_opens_its_municipality(state):
    state.page = "collection"
    links = re.findall(r'href="\?([^"]+)"', markup(collection.view(state)))
    query = dict(part.split("=") for part in html.unescape(links[1]).split("&"))
    query = {name: value.replace("%2F", "/") for name, value in query.items()}
    assert query == {"region": "khakassia", "period": "2023", "page": "collection"} | {
        "collecting": KEY,
        "sender": "abaza",
    }
    state.restore(query)
    assert (state.notice, state.collecting.sender) == ("", "abaza")


def test_the_address_keeps_the_choices_of_this_page_alone(state):
    query = {"page": "collection", "collecting": NEXT, "sender": "sorsk", "stage": "not_sent"}
    state.restore(query)
    assert state.address() == {"region": "khakassia", "period": "2023"} | query
    state.page = "overview"
    assert state.address() == {"region": "khakassia", "period": "2023", "page": "overview"}
    state.choose("khakassia", "2023")
    assert state.collecting.key == KEY


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"collecting": "khakassia/1999"}, "издания «khakassia/1999»"),
        ({"collecting": "../../etc"}, "издания «../../etc»"),
        ({"sender": "atlantis"}, "значения «atlantis»"),
        ({"stage": "lost"}, "значения «lost»"),
    ],
)
def test_what_an_address_names_wrongly_is_told(state, query, told):
    state.restore({"page": "collection"} | query)
    assert state.notice == f"По этой ссылке нет {told}. Показано: Республика Хакасия, 2023 год."
    assert state.collecting.address() == {}


def test_an_edition_that_cannot_be_read_is_left_out_and_told(edition):
    (edition.root / "regions" / NEXT / "edition.yaml").write_text("[", "utf-8")
    choices = choices_of(edition)
    assert list(choices.options.values()) == [KEY]
    assert "Не показаны издания: khakassia/2024 (" in said(collection.page(choices, {}))


def test_without_anything_published_the_page_opens_all_the_same(checked, monkeypatch):
    monkeypatch.setenv("NMC_DATA", str(checked.root))
    words = " ".join(said(part) for part in shell._without_results(ResultsError("ничего <нет>")))
    mark = "Демонстрационные данные: не сведения о регионе"
    assert words.startswith(f"{mark} ничего <нет> Сбор данных")
    assert "Республика Хакасия, 2024 год" in words, "the newest"


# --- draft and approved ---------------------------------------------------------------------------


def test_the_footer_says_draft_until_the_run_is_approved(state):
    assert shell._footer(state).endswith(f"прогон {RUN} · Проект</p>")
    made = approve(state.collecting._root, KEY, RUN, **ORDER)
    assert shell._footer(state).endswith(f"прогон {RUN} · {made.words}</p>")


def test_a_run_beside_the_approved_one_is_a_draft_and_says_which_is(state, monkeypatch):
    root, newer = state.collecting._root, "1b2c3d4e5f-1"
    approve(root, KEY, RUN, **ORDER)
    publish_run(state.current.edition, monkeypatch, newer)
    now = State(*published_editions(root))
    told = f"Проект. Утверждён другой прогон, {RUN}: приказ № 12, 01.03.2024"
    assert shell._footer(now).endswith(f"прогон {newer} · {told}</p>")


def test_damaged_approvals_take_no_page(state):
    (results_folder(state.collecting._root) / "approvals.json").write_text("[", "utf-8")
    assert "файл утверждений повреждён" in shell._footer(state)


def test_the_footer_is_of_the_edition_that_is_looked_at(state):
    state.restore({"page": "collection", "collecting": NEXT})
    assert "2024 год · данные на 31.12.2024 · не опубликовано" in shell._footer(state)


# --- about ----------------------------------------------------------------------------------------


def test_about_tells_the_run_its_inputs_and_that_it_is_whole(state):
    words = said(about.view(state))
    assert f"Прогон {RUN} Состояние Проект" in words
    assert "принятые таблицы: d1" in words
    assert "✓ Целостность проверена сейчас: содержимое всех 5 файлов прогона" in words
    assert "Демонстрационные данные: не сведения о регионе. Записи людей смоделированы." in words
    assert "контроля раскрытия ещё нет" in words


def test_about_adds_up_what_was_sent(state):
    words = said(about.view(state))
    total = "50 строк = принято 45 + задержано 3 + замещено или повторено 1 + итоги и пустые 1."
    assert f"Прислано: {total}" in words.replace("\xa0", " ")
    assert "Сотрудники 21 16 3 1 1" in words and "Результаты 29 29 0 0 0" in words
    assert "файл № 1.xlsx Сотрудники 12 7 3 1 1" in words
    assert "Сотрудники Нет даты рождения 2 Абакан" in words
    assert "Убраны лишние пробелы Принято и записано единообразно 1 1" in words
    assert "97654" not in words


def test_about_leads_to_collecting(state):
    link = 'href="?region=khakassia&amp;period=2023&amp;page=collection"'
    assert link in markup(about.view(state))


def test_about_says_what_was_changed_after_publication(state):
    run = results_folder(state.collecting._root) / RUN / KEY
    (run / "restricted" / "extra.txt").write_text("x", "utf-8")
    assert "Целостность нарушена: khakassia/2023, прогон" in said(about.view(state))


def test_a_run_from_before_says_what_to_do(state):
    from dashboard_pages import altered

    published = altered(state.current)
    published._results.pop("intake_conservation")
    lines = about._quality(published)
    assert "Выполните: nmc run khakassia/2023." in said(lines[0])
