from tests.conformance.catalogue import Item, Section, all_items, read_catalogue
from tests.conformance.named_tests import NamedTest, find_named_tests, flaws
from tests.conformance.page import PAGE, render_page


def test_a_row_has_the_rule_its_source_its_status_and_each_module_once() -> None:
    item = Item(number="S-001", title="a rule", source="RFC 7591 §3", not_offered="no need")
    tests = [NamedTest("tests/t/test_x.py", f"test_s001_{n}", ("S-001",)) for n in "ab"]
    page = render_page([Section("Some", (item,))], tests)
    assert "## Some" in page
    row = "| S-001 | a rule | RFC 7591 §3 | not offered: no need | [test_x](../tests/t/test_x.py) |"
    assert row in page.splitlines()


def test_the_catalogue_has_every_rule_once_with_title_and_source() -> None:
    catalogue = read_catalogue()
    items = all_items(catalogue)
    assert len(items) == sum(len(section.items) for section in catalogue)
    assert list(items) == sorted(items)
    for item in items.values():
        assert item.title
        assert item.source
        assert item.deviation is None or item.not_offered is None
        assert "|" not in f"{item.title}{item.source}{item.status}"


def test_every_rule_has_a_test_and_no_test_names_a_rule_that_there_is_not() -> None:
    assert flaws(all_items(read_catalogue()), find_named_tests()) == []


def test_the_page_in_the_docs_is_what_catalogue_and_tests_say() -> None:
    expected = render_page(read_catalogue(), find_named_tests())
    assert PAGE.read_text(encoding="utf-8") == expected, "run: make docs"
