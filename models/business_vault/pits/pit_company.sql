{{ pit(key="company_hk", timelines={"history": ref("bv_company__history")}) }}
