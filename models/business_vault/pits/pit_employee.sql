{{ pit(key="employee_hk", timelines={"hr": ref("timeline_employee__hr")}) }}
