"""Calls of pandapower's functions that its tests do not make."""

from __future__ import annotations

import copy
import logging
import warnings
from functools import cache, partial
from random import Random
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandapower as pp
import pandas as pd
from attempts import attempt
from pandapower import networks
from pandapower.build_branch import _get_vk_values_from_table
from pandapower.control import ConstControl
from pandapower.converter.pandamodels.from_pm import add_time_series_data_to_net
from pandapower.converter.pandamodels.to_pm import _get_redispatch_elements, convert_pp_to_pm
from pandapower.converter.powerfactory.pp_import_functions import (
    get_lvp_for_lines,
    remove_folder_of_std_types,
)
from pandapower.converter.pypowsybl.pypowsybl_converter import PyPowSyBlConverter
from pandapower.converter.ucte.ucte_converter import UCTE2pandapower
from pandapower.diagnostic.diagnostic_functions import NumbaComparison, SlackGenPlacement
from pandapower.estimation import estimate, remove_bad_data
from pandapower.file_io import _from_excel_old
from pandapower.pf.runpp_3ph import runpp_3ph
from pandapower.plotting.collections import create_trafo3w_collection
from pandapower.plotting.powerflow_results import plot_voltage_profile
from pandapower.protection.utility_functions import bus_path_multiple_ext_bus, create_sc_bus
from pandapower.timeseries import DFData
from pandapower.toolbox.grid_modification import merge_nets
from pandapower.toolbox.power_factor import _cosphi_from_pq_bulk

SIZES = [5, 15, 40]


def feeder(buses: int, seed: int, ring: bool = False) -> pp.pandapowerNet:
    return copy.deepcopy(built_feeder(buses, seed, ring))


@cache
def built_feeder(buses: int, seed: int, ring: bool) -> pp.pandapowerNet:
    """A medium voltage line of buses with loads and generators, on which a power flow was run."""
    rng = Random(seed)
    net = pp.create_empty_network(name=f"feeder {buses}", add_stdtypes=False)
    spots = [(number * 0.8, rng.uniform(-1, 1)) for number in range(buses)]
    names = [f"bus {number}" for number in range(buses)]
    pp.create_buses(net, buses, vn_kv=20.0, name=names, geodata=spots)
    pp.create_ext_grid(net, 0, s_sc_max_mva=500, rx_max=0.1, r0x0_max=0.1, x0x_max=1.0)
    starts, ends = list(range(buses - 1)), list(range(1, buses))
    if ring:
        starts, ends = [*starts, buses - 1], [*ends, 0]
    pp.create_lines_from_parameters(
        net,
        starts,
        ends,
        length_km=[round(rng.uniform(0.3, 1.5), 2) for _ in starts],
        r_ohm_per_km=0.16,
        x_ohm_per_km=0.12,
        c_nf_per_km=270,
        max_i_ka=0.3,
        r0_ohm_per_km=0.6,
        x0_ohm_per_km=0.4,
        c0_nf_per_km=150,
        endtemp_degree=80,
    )
    places = list(range(1, buses))
    active = [rng.uniform(0.01, 0.1) for _ in places]
    pp.create_loads(net, places, p_mw=active, q_mvar=[power / 4 for power in active])
    pp.create_sgens(net, places[2::3], p_mw=[power / 2 for power in active[2::3]])
    lines = [int(line) for line in net.line.index[::4]]
    pp.create_switches(net, [starts[line] for line in lines], lines, et="l")
    pp.create_switches(net, [ends[line] for line in lines], lines, et="l")
    pp.runpp(net, numba=False)
    return net


def transformer_tables() -> None:
    for count in (2, 20, 300):
        rng = np.random.default_rng(count)
        for kind, sides in (("2W", [""]), ("3W", ["_hv", "_mv", "_lv"])):
            names = [f"{name}{side}_percent" for side in sides for name in ("vk", "vkr")]
            tables = max(1, count // 4)
            trafos = pd.DataFrame({name: rng.uniform(0.3, 12, count) for name in names})
            trafos["tap_pos"] = rng.integers(-5, 6, count)
            trafos["tap_dependency_table"] = rng.random(count) < 0.7
            trafos["id_characteristic_table"] = pd.array(np.arange(count), dtype="Int64")
            steps = [(table, step) for table in range(count) for step in range(-5, 6)]
            table = pd.DataFrame(steps, columns=["id_characteristic", "step"])
            for name in names:
                table[name] = rng.uniform(0.3, 12, len(table))
            attempt(_get_vk_values_from_table, trafos, table, kind)
            fixed = trafos.assign(tap_dependency_table=False)
            attempt(_get_vk_values_from_table, fixed.head(tables), table, kind)


def exchange_formats() -> None:
    union = UCTE2pandapower()
    for count in (4, 40, 400):
        rng = np.random.default_rng(count)
        frame = pd.DataFrame({"angle_reg_delta_u": rng.uniform(0.5, 2.5, count)})
        frame["angle_reg_theta"] = rng.choice([30.0, 60.0, 90.0, 120.0], count)
        for part in (frame, frame[: count // 2]):
            attempt(union._calculate_tap_step_degree_asymmetrical, part)
            attempt(union._calculate_tap_step_percent_asymmetrical, part)
    for count in (3, 12, 40, 150, 400):
        rows = [[f"VL{number // 4}", f"VL{number // 4}_{number % 2}"] for number in range(count)]
        names = [f"B{number}" for number in range(count)]
        buses = pd.DataFrame(rows, index=names, columns=["voltage_level_id", "bus_id"])
        converter = PyPowSyBlConverter()
        converter.pyp_net = SimpleNamespace(get_bus_breaker_view_buses=buses.copy)
        attempt(converter._collect_buses)
    for size in SIZES:
        attempt(get_lvp_for_lines, loads_along_lines(size))
        attempt(get_lvp_for_lines, loads_along_lines(2 * size))
        net = feeder(size, size)
        table = pd.Series({"name": "old file", "f_hz": 50.0})
        sheets = {"parameters": table.to_frame("parameter")}
        sheets |= {name: net[name] for name in ("bus", "line", "load", "sgen", "ext_grid")}
        types = pp.create_empty_network().std_types["line"]
        sheets["line_std_types"] = pd.DataFrame.from_dict(types, orient="index")
        attempt(_from_excel_old, sheets)
        attempt(_from_excel_old, sheets, add_basic_std_types=False)


def loads_along_lines(count: int) -> dict[str, Any]:
    """Low voltage loads as PowerFactory gives them, some of them inside lines."""
    rng = Random(count)
    lines, loads = [], []
    for number in range(count):
        line = logging.Filter(f"line {number}")  # hashable, and takes attributes
        line.GetClassName = partial(str, "ElmLne")
        lines.append(line)
    station = logging.Filter("station")
    station.GetClassName = partial(str, "ElmTrfstat")
    for number in range(3 * count):
        load = SimpleNamespace(loc_name=f"load {number}", NrCust=rng.randint(1, 9))
        load.typ_id = rng.choice([None, "households"])
        load.fold_id = rng.choice([*lines, station])
        load.lneposkm = round(rng.uniform(0, 1), 3)
        load.slini_a, load.coslini_a = rng.uniform(1, 20), 0.95
        load.cSav, load.ccosphi, load.pnight_a = rng.uniform(0, 5), 0.9, rng.uniform(0, 2)
        loads.append(load)
    settings = {"Sfix": 1.5, "cosfix": 0.95, "scPnight": 80.0}
    return {"ElmLne": lines, "ElmLodlvp": loads, "lvp_params": settings}


def standard_types() -> None:
    for count in (2, 4, 6, 10, 15):
        net = feeder(5, count)
        for number in range(count):
            for folder in ("Library\\Cables", "Project\\Cables"):
                data = {
                    "r_ohm_per_km": 0.1 + number / 100,
                    "x_ohm_per_km": 0.12 + (number % 3 == 0 and folder[0] == "P"),
                    "c_nf_per_km": 250,
                    "max_i_ka": 0.2,
                }
                pp.create_std_type(net, data, f"{folder}\\cable {number}", element="line")
        net.line["std_type"] = [f"Library\\Cables\\cable {n % count}" for n in net.line.index]
        trafo = pp.create_empty_network().std_types["trafo"]["25 MVA 110/20 kV"]
        pp.create_std_type(net, trafo, "Library\\Trafos\\25 MVA", element="trafo")
        net.trafo["std_type"] = net.trafo["std_type"].astype(object)
        net.trafo3w["std_type"] = net.trafo3w["std_type"].astype(object)
        attempt(remove_folder_of_std_types, net)


def time_series() -> None:
    for size in SIZES:
        rng = np.random.default_rng(size)
        net = feeder(size, size)
        net.load["controllable"] = False
        net.sgen["controllable"] = net.sgen.index % 2 == 0
        net.sgen[["min_p_mw", "max_p_mw", "min_q_mvar", "max_q_mvar"]] = [0.0, 0.1, -0.1, 0.1]
        for element in ("load", "sgen"):
            index = list(net[element].index)
            for variable in ("p_mw", "q_mvar"):
                profile = pd.DataFrame(rng.uniform(0, 0.1, (48, len(index))), columns=index)
                ConstControl(
                    net, element, variable, index, profile_name=index, data_source=DFData(profile)
                )
        for steps in ((0, 4), (0, 24), (12, 48)):
            attempt(convert_pp_to_pm, net, from_time_step=steps[0], to_time_step=steps[1])
        for step in ("0", "17", "40"):
            attempt(add_time_series_data_to_net, net, net.controller, step)
        for sgen in net.sgen.index:
            pp.create_poly_cost(net, sgen, "sgen", cp1_eur_per_mw=1.0)
        net.poly_cost["redispatch_up_eur_per_mw"] = rng.uniform(20, 80, len(net.poly_cost))
        net.poly_cost["redispatch_down_eur_per_mw"] = rng.uniform(5, 20, len(net.poly_cost))
        attempt(_get_redispatch_elements, net)
    for make in (networks.case14, networks.case118):
        net = make()
        net.gen["controllable"] = True
        net.poly_cost["redispatch_up_eur_per_mw"] = 60.0
        net.poly_cost["redispatch_down_eur_per_mw"] = 15.0
        attempt(_get_redispatch_elements, net)


def power_flows() -> None:
    for make in (networks.case9, networks.case14, networks.case30):
        net = make()
        pp.runpp(net, numba=False)
        attempt(SlackGenPlacement().diagnostic, net, numba=False)
        attempt(NumbaComparison().diagnostic, net)
        attempt(NumbaComparison().diagnostic, net, init="dc")
    for size in SIZES:
        net = feeder(size, size)
        for bus in range(1, size, 2):
            powers = {f"p_{phase}_mw": 0.01 * (bus % 3 + 1) for phase in "abc"}
            pp.create_asymmetric_load(net, bus, q_a_mvar=0.002, **powers)
            if bus % 3 == 0:
                pp.create_asymmetric_sgen(net, bus, p_a_mw=0.01, p_b_mw=0.02)
        attempt(runpp_3ph, net, numba=False)
        net.load["scaling"] = 1.2
        attempt(runpp_3ph, net, numba=False)
    for size in (1, 10, 200, 3000):
        rng = np.random.default_rng(size)
        active, reactive = rng.uniform(-2, 2, size), rng.uniform(-1, 1, size)
        attempt(_cosphi_from_pq_bulk, active, reactive)
        attempt(_cosphi_from_pq_bulk, list(active.round()), 0.2, len_=size)
    for size in SIZES:
        first, second = feeder(size, size), feeder(size, size, ring=True)
        attempt(merge_nets, first, second, validate=False, std_prio_on_net1=True)
        attempt(merge_nets, first, second, std_prio_on_net1=False, tol=1e-6, numba=False)
        attempt(merge_nets, second, first, validate=False, return_net2_reindex_lookup=True)


def state_estimation() -> None:
    for size in SIZES:
        rng = Random(size)
        net = feeder(size, size)
        for bus in net.bus.index:
            voltage = net.res_bus.at[bus, "vm_pu"] + rng.gauss(0, 0.001)
            pp.create_measurement(net, "v", "bus", voltage, 0.004, bus)
        for line in net.line.index:
            for side in ("from", "to"):
                for kind, unit in (("p", "mw"), ("q", "mvar")):
                    flow = net.res_line.at[line, f"{kind}_{side}_{unit}"] + rng.gauss(0, 0.001)
                    pp.create_measurement(net, kind, "line", flow, 0.003, line, side=side)
        net.load.loc[net.load.index[-2:], "in_service"] = False
        for rule in (None, "aux_bus", "no_inj_bus", "zero_pwr_bus", [size - 1]):
            attempt(estimate, net, init="flat", zero_injection=rule)
        if size < 40:
            for fault in (0.05, 0.2):
                wrong = copy.deepcopy(net)
                wrong.measurement.loc[wrong.measurement.index[size + 2], "value"] += fault
                attempt(remove_bad_data, wrong)


def pictures() -> None:
    for count in (2, 10, 60):
        rng = Random(count)
        net = pp.create_empty_network()
        for number in range(count):
            spots = [(2.0 * number, 0.0), (2.0 * number + 1, 1.0), (2.0 * number + 1, -1.0)]
            buses = [
                pp.create_bus(net, vn_kv=level, geodata=spot)
                for level, spot in zip((110, 20, 10), spots, strict=True)
            ]
            pp.create_transformer3w(net, *buses, std_type="63/25/38 MVA 110/20/10 kV")
        net.res_trafo3w["loading_percent"] = [rng.uniform(5, 95) for _ in range(count)]
        attempt(create_trafo3w_collection, net)
        attempt(create_trafo3w_collection, net, list(range(0, count, 2)), color="g")
        loading = net.res_trafo3w["loading_percent"]
        colors, norm = mpl.colormaps["viridis"], mpl.colors.Normalize(0, 100)
        attempt(create_trafo3w_collection, net, cmap=colors, norm=norm, z=loading)
    grids = [feeder(size, size) for size in (5, 12, 25)]
    grids += [networks.create_cigre_network_lv(), networks.create_cigre_network_mv()]
    for net in grids:
        pp.runpp(net, numba=False)
        attempt(plot_voltage_profile, net)
        attempt(plot_voltage_profile, net, line_loading_weight=True, bus_colors=None)
        plt.close("all")


def protection() -> None:
    for size in SIZES:
        net = feeder(size, size, ring=True)
        attempt(bus_path_multiple_ext_bus, net)
        pp.create_ext_grid(net, size // 2)
        attempt(bus_path_multiple_ext_bus, net)
        attempt(bus_path_multiple_ext_bus, feeder(2 * size, size))
        for line, fraction in ((0, 0.5), (2, 0.25), (3, 0.9)):
            attempt(create_sc_bus, net, line, fraction)


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    transformer_tables()
    exchange_formats()
    standard_types()
    time_series()
    power_flows()
    state_estimation()
    pictures()
    protection()


main()
