{{ pit(key="company_hk", timelines={"state": ref("bv_company__state")}) }}
