from compare.testing import conformance_test

test_conformance = conformance_test("paddle")
