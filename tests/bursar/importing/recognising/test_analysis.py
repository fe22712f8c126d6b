"""Analysis proposes what a file means, and says what it could not tell."""

import json

import pytest

from bursar.errors import EmptyFile, InvalidInput
from bursar.importing.recognising.analysis import analyze


def targets(found):
    return {c.header: c.target for c in found.columns}


def test_the_wire_shape_is_json_and_complete(write):
    found = analyze(write("Department,Year,Budget\nSales,2025,10\n"), "b.csv")
    wire = json.loads(json.dumps(found.to_wire()))
    assert set(wire) >= {
        "file_name", "sheets", "sheet", "header_row", "headers", "sample_rows", "total_rows",
        "layout", "columns", "detection", "missing_required", "can_proceed", "constants",
    }  # fmt: skip
    assert set(wire["columns"][0]) >= {
        "index", "header", "target", "confidence", "reason", "samples",
    }  # fmt: skip
    assert set(wire["detection"]) >= {"kind", "confidence", "budget_confidence", "warnings"}
    assert wire["sample_rows"] == [["Sales", "2025", "10"]]
    assert wire["can_proceed"] is True


def test_typos_and_abbreviations_are_understood(write):
    text = "Departmnt,Budgetted Amt,FY,Sub-Categry\nSales,100,2025,Travel\nIT,200,2025,Rent\n"
    assert targets(analyze(write(text), "x.csv")) == {
        "Departmnt": "department",
        "Budgetted Amt": "budgeted_amount",
        "FY": "fiscal_period",
        "Sub-Categry": "sub_category",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Kostenstelle;Kostenart;Haushaltsjahr;Ansatz;Ist\nBauhof;Miete;2025;1.000,50;900,25\n",
            ["department", "sub_category", "fiscal_period", "budgeted_amount", "actual_amount"],
        ),
        (
            "Service,Libellé nature,Exercice,Budget primitif\nCulture,Achats,2025,100\n",
            ["department", "sub_category", "fiscal_period", "budgeted_amount"],
        ),
        (
            "Entidad,Partida,Año,Presupuesto,Ejecutado\nSalud,Viajes,2025,100,20\n",
            ["department", "sub_category", "fiscal_period", "budgeted_amount", "actual_amount"],
        ),
        (
            "部门,科目,年度,预算金额\n销售部,差旅费,2025,1000\n",
            ["department", "sub_category", "fiscal_period", "budgeted_amount"],
        ),
    ],
)
def test_headers_of_other_languages_are_understood(write, text, expected):
    assert [c.target for c in analyze(write(text), "x.csv").columns] == expected


def test_at_most_one_column_has_a_field_in_long_layouts(write):
    text = "Department ID,Department,Year,Original Budget,Revised Budget\n1,Sales,2025,5,6\n"
    found = targets(analyze(write(text), "x.csv"))
    assert found["Department"] == "department"
    assert found["Department ID"] is None
    assert [found["Original Budget"], found["Revised Budget"]] == [None, "budgeted_amount"]


def test_title_rows_stand_above_the_header_and_give_constants(write):
    text = (
        "ACME Inc.,,,\nBudget FY2026 in EUR,,,\nDepartment: Marketing,,,\n,,,\n"
        "Line item,Budget,Actual,Variance\nAds,100000,90000,10000\nTravel,20000,15000,5000\n"
    )
    found = analyze(write(text), "export.csv")
    assert found.header_row == 4
    assert {field: (c.value, c.origin) for field, c in found.constants.items()} == {
        "fiscal_period": ("FY2026", "title"),
        "department": ("Marketing", "title"),
        "currency": ("EUR", "title"),
    }
    assert targets(found)["Variance"] is None
    assert found.missing_required == ()


def test_a_column_for_each_month_is_a_wide_layout_and_its_total_is_left_out(write):
    text = "Team,Category,Jan-25,Feb-25,Mar-25,Total\nSales,Travel,10,20,30,60\nIT,HW,1,2,3,6\n"
    found = analyze(write(text), "x.csv")
    assert found.layout == "wide"
    assert [c.period for c in found.columns] == [None, None, "2025-01", "2025-02", "2025-03", None]
    assert found.columns[5].target is None


def test_groups_above_the_header_give_the_periods(write):
    text = ",FY2024,,FY2025,\nDepartment,Budget,Actual,Budget,Actual\nSales,1,2,3,4\nIT,5,6,7,8\n"
    found = analyze(write(text), "x.csv")
    assert found.header_row == 1
    assert [(c.target, c.period) for c in found.columns[1:]] == [
        ("budgeted_amount", "FY2024"),
        ("actual_amount", "FY2024"),
        ("budgeted_amount", "FY2025"),
        ("actual_amount", "FY2025"),
    ]
    assert len(set(found.headers)) == 5


def test_months_beside_a_budget_that_they_do_not_add_up_to_are_spending(write):
    text = "Department,Financial Year,Budget,April,May,June\nA,2025,900,10,20,5\nB,2025,700,1,2,3\n"
    found = targets(analyze(write(text), "x.csv"))
    assert (found["Budget"], found["April"]) == ("budgeted_amount", "actual_amount")


def test_months_that_add_up_to_the_budget_are_its_parts(write):
    text = "Department,Annual Budget,Q1 2025,Q2 2025\nA,30,10,20\nB,70,30,40\n"
    found = targets(analyze(write(text), "x.csv"))
    assert found["Q1 2025"] == "budgeted_amount"


def test_the_sheet_with_the_budget_is_proposed(write_book):
    table = [["Department", "Year", "Budget"], ["Sales", 2025, 10], ["IT", 2025, 20]]
    path = write_book({"Cover": [["Hello"]], "Contacts": [["Name", "Phone"]], "Plan": table})
    assert analyze(path, "b.xlsx").sheet == "Plan"
    assert analyze(path, "b.xlsx", sheet="Contacts").sheet == "Contacts"


KINDS = {
    "bank_statement": """Date,Description,Debit,Credit,Balance
2025-01-02,Coffee,3.50,,100.10
2025-01-03,Salary,,2000.00,2100.10
""",
    "payroll": """Employee ID,Name,Job Title,Base Salary,Bonus
1,Ann Lee,Clerk,50000,100
2,Bob Ray,Chief,90000,200
""",
    "invoice": """Invoice Number,Customer,Invoice Date,Due Date,Amount Due
I1,ACME,2025-01-01,2025-02-01,100.50
I2,Beta,2025-01-02,2025-02-02,80.00
""",
    "chart_of_accounts": """Account Code,Account Name,Account Type
1000,Cash,Asset
2000,Loans,Liability
""",
    "vendor_list": """Vendor ID,Vendor Name,Email,Phone,City
V1,ACME,a@b.c,123,Rome
""",
    "purchase_order": """PO Number,Supplier,Order Date,Delivery Date,Total Amount
P1,ACME,2025-01-01,2025-02-01,100.00
P2,Beta,2025-01-07,2025-02-08,90.00
""",
    "budget": """Department,Fiscal Year,Budget
Sales,2025,1000
""",
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_told_apart(write, kind):
    detection = analyze(write(KINDS[kind]), "x.csv").detection
    assert detection.kind == kind
    assert bool(detection.warnings) == (kind != "budget")


def test_a_tenants_own_keyword_is_decisive(write):
    path = write("Wallet,Who,Sum\nA,Ann,100\nB,Bob,200\n")
    assert analyze(path, "x.csv").detection.kind != "payroll"
    found = analyze(path, "x.csv", keywords={"payroll": ["wallet"]})
    assert found.detection.kind == "payroll"


def test_amounts_in_thousands_are_said_to_be(write):
    found = analyze(write("Budget 2025 (in thousands)\nDepartment,Budget\nA,1\nB,2\n"), "x.csv")
    assert found.unit == 1000
    assert any("in thousands" in warning for warning in found.detection.warnings)


def test_a_header_row_may_be_told(write):
    text = "Name,Code,Sum\nDepartment,Year,Budget\nSales,2025,10\n"
    assert analyze(write(text), "x.csv", header_row=1).headers == ("Department", "Year", "Budget")
    with pytest.raises(InvalidInput):
        analyze(write(text), "x.csv", header_row=99)


def test_a_sheet_without_rows_is_empty(write_book):
    with pytest.raises(EmptyFile):
        analyze(write_book({"Nothing": []}), "b.xlsx")


def test_a_table_without_a_header_loses_no_row(write, clean):
    path = write("Parks,Benches,1200.50\nRoads,Salt,830\nParks,Trees,410.25\n", name="b2025.csv")
    found = analyze(path, path.name)
    assert (found.header_row, found.to_wire()["header_row"]) == (-1, None)
    assert found.headers == ("Column A", "Column B", "Column C")
    told = {"Column A": "department", "Column C": "budgeted_amount"}
    rows = clean(path, analysis=found, mapping=told).rows
    assert [(r.row, r.department, r.budgeted_amount) for r in rows] == [
        (1, "Parks", "1200.50"),
        (2, "Roads", "830"),
        (3, "Parks", "410.25"),
    ]


@pytest.mark.parametrize("header", ["Unit,Sub,2024", "Unit,Sub,Money", "Dept,Item,1000"])
def test_years_and_words_are_a_header(write, header):
    path = write(f"{header}\nA,B,100\nC,D,250\nE,F,300\n")
    assert analyze(path, path.name).header_row == 0


@pytest.mark.parametrize(
    "first",
    [
        "Engineering,Software,FY2025,1000.50",
        "Dept 1,Line 1,FY2025,100",
        "Fund Accounting,Travel,FY2025,7",
    ],
)
def test_a_row_of_data_is_no_header_however_it_sounds(write, first):
    rows = "Engineering,Hardware,FY2025,2000\nParks,Travel,FY2025,300\nParks,Benches,FY2025,400\n"
    path = write(f"{first}\n{rows}")
    found = analyze(path, path.name)
    assert (found.header_row, found.total_rows) == (-1, 4)


def test_a_first_row_with_a_bad_amount_is_no_second_row_of_the_header(write, clean):
    rows = "Parks,Trees,FY2025,oops\nRoads,Salt,FY2025,2\nFire,Pumps,FY2025,5\n"
    found = clean(write("Department,Category,Fiscal Year,Budget\n" + rows))
    assert (len(found.rows), found.codes) == (2, ["not_a_number"])
